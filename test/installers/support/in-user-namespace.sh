#!/bin/sh
# Runs a command in a user namespace where all ids below 65536 are what they are outside. As root.
# usage: in-user-namespace.sh COMMAND ...      (unshare --map-root-user knows one id only: nothing can be given away)
go=$(mktemp -u)
mkfifo "$go" || exit 1
# shellcheck disable=SC2016 # for the inner shell
unshare --user sh -c 'go=$1; shift; read -r _ <"$go"; exec "$@"' sh "$go" "$@" &
child=$!
trap 'kill "$child" 2>/dev/null' TERM INT
until [ "$(readlink "/proc/$child/ns/user")" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.02; done
echo '0 0 65536' >"/proc/$child/uid_map"
echo '0 0 65536' >"/proc/$child/gid_map"
echo go >"$go"
rm -f "$go"
wait "$child"
