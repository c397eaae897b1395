#!/bin/sh
# Prints versions.tsv anew with what the installed dpkg says of the same pairs:  sh versions.sh <versions.tsv >new.tsv
set -eu
while IFS='	' read -r a b _; do
  if dpkg --compare-versions "$a" lt "$b"; then order=-1
  elif dpkg --compare-versions "$a" gt "$b"; then order=1
  else order=0; fi
  printf '%s\t%s\t%s\n' "$a" "$b" "$order"
done
