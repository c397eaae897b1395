#!/bin/sh
# Installs Diskful on a head node. Needs nothing from the network, and of the system a libc and this shell.
# usage: ./install.sh [--prefix /opt/diskful] [--root DIR]      more: ./install.sh --help
set -eu
case $0 in */*) here=${0%/*} ;; *) here=. ;; esac
here=$(CDPATH='' cd -- "$here" && pwd)
exec "$here/bin/diskful" node "$here/install.ts" "$@"
