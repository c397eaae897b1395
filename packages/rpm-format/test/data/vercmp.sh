#!/bin/sh
# Prints vercmp.tsv anew with what the installed rpm says of the same pairs:  sh vercmp.sh <vercmp.tsv >new.tsv
set -eu
while IFS='	' read -r a b _; do
  printf '%s\t%s\t%s\n' "$a" "$b" "$(rpm --eval "%{lua:print(rpm.vercmp([==[$a]==], [==[$b]==]))}")"
done
