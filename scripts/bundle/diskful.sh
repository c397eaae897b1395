#!/bin/sh
# diskful start        API and converter in one (standalone; with REDIS_URL, one of each on the queue)
# diskful api          the API alone
# diskful converter    a converter alone
# diskful prewarm [name…], diskful cache:verify, diskful rpm-format …, diskful node …
set -eu

here=$0
while [ -L "$here" ]; do
	to=$(readlink "$here")
	case $to in /*) here=$to ;; *) here=${here%/*}/$to ;; esac
done
home=$(CDPATH='' cd -- "${here%/*}/.." && pwd)
node=$home/node/bin/node

# The libraries that come along are for machines that have none: a newer one of the system is left in place.
if ! "$node" --version >/dev/null 2>&1; then
	LD_LIBRARY_PATH=$home/node/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
	export LD_LIBRARY_PATH
fi
# Converters of the standalone mode are started by name.
PATH=$home/node/bin:${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}
export PATH

# With thousands of slow clients the API's young generation would grow without use.
flags=
case ${1:-} in
start) main=start.ts flags=--max-semi-space-size=8 ;;
api) main=services/api/src/main.ts flags=--max-semi-space-size=8 ;;
converter) main=services/converter/src/main.ts ;;
prewarm) main=services/converter/src/prewarm.ts ;;
cache:verify) main=services/converter/src/cache-verify.ts ;;
rpm-format) main=packages/rpm-format/src/cli.ts ;;
node)
	shift
	exec "$node" "$@"
	;;
*)
	echo 'usage: diskful start|api|converter|prewarm|cache:verify|rpm-format|node [arguments]' >&2
	exit 2
	;;
esac
shift
# shellcheck disable=SC2086 # one flag, or none
exec "$node" $flags --import "$home/app/preflight.mjs" "$home/app/$main" "$@"
