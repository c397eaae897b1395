# shellcheck shell=sh
# The frame around every run: a known environment, private folders, one installer at a time, a clean end.
#
# Provides
#   begin NAME            environment, traps, WORK_DIR; first call of every main
#   need_root             dies with E_NOT_ROOT, except in a dry run
#   open_state            STATE_DIR (/var/lib/diskful, 0700): what must outlive a run
#   take_lock             one installer at a time on this node; dies with E_BUSY; a dead owner's lock is taken over
#   at_exit FUNCTION      called when the script ends, however it ends; last one first
#   finish                the only good end: exits 0, or E_WARNINGS after warnings
#   have COMMAND          is it there?
#   program COMMAND       its path: the file, where busybox as a shell would take an applet of that name
#   file_size FILE        bytes, 0 when absent
#   process_start PID     when it started, in clock ticks, '' when unknown (tells a reused pid)
#   need_space BYTES DIR  dies with E_NO_SPACE
# Variables: INSTALLER (rpm, deb, tar, pre…), WORK_DIR (0700, gone at the end), STATE_DIR, STARTED, DRY_RUN

INSTALLER=
WORK_DIR=
STATE_DIR=/var/lib/diskful
LOCK_FILE=
STARTED=0
DRY_RUN=no
EXIT_HOOKS=
FINISHED=no

begin() {
  INSTALLER=$1
  set -u
  umask 022
  cd / || exit "$E_INTERNAL"
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  LC_ALL=C
  export PATH LC_ALL
  unset IFS CDPATH ENV BASH_ENV GREP_OPTIONS POSIXLY_CORRECT LANGUAGE
  if [ ! -e /dev/null ]; then
    echo 'diskful: error: there is no /dev/null here: in a chroot, mount /dev first; nothing was changed' >&2
    exit "$E_UNSUITABLE"
  fi
  # The script may itself be standard input (curl | sh): no command may eat it.
  exec </dev/null 9>/dev/null
  # Where whoever called closed these, the next file opened would take their number.
  (exec 8>&1) 2>/dev/null || exec >/dev/null
  (exec 8>&2) || exec 2>/dev/null
  STARTED=$(date +%s)
  trap 'leave "$?"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap : PIPE
  make_work_dir
}

make_work_dir() {
  for make_work_dir_base in "${TMPDIR:-/var/tmp}" /var/tmp /tmp /run; do
    [ -d "$make_work_dir_base" ] || continue
    WORK_DIR=$(umask 077 && mktemp -d "$make_work_dir_base/diskful.XXXXXX" 2>/dev/null) && return 0
    WORK_DIR=$make_work_dir_base/diskful.$$.$STARTED
    (umask 077 && mkdir "$WORK_DIR") 2>/dev/null && return 0
  done
  WORK_DIR=
  die "$E_NO_SPACE" 'no temporary folder can be made in /var/tmp, /tmp or /run'
}

need_root() {
  [ "$DRY_RUN" = yes ] && return 0
  [ "$(id -u)" = 0 ] || die "$E_NOT_ROOT" "root is needed: run it as root, or with sudo"
}

open_state() {
  if [ "$DRY_RUN" = yes ] || ! {
    # Only the last folder is ours: what mkdir -p makes above it is for everybody.
    mkdir -p "${STATE_DIR%/*}" && (umask 077 && mkdir -p "$STATE_DIR" && : >"$STATE_DIR/.writable")
  } 2>/dev/null; then
    [ "$DRY_RUN" = yes ] || warn "$STATE_DIR cannot be written; a cut run will not be remembered"
    STATE_DIR=$WORK_DIR
  fi
}

take_lock() {
  [ "$DRY_RUN" = yes ] && return 0
  take_lock_own=$STATE_DIR/lock.$$
  printf '%s %s\n' "$$" "$(process_start "$$")" >"$take_lock_own"
  take_lock_tries=0
  # A link appears whole or not at all, and for one of two only.
  until ln "$take_lock_own" "$STATE_DIR/lock" 2>/dev/null; do
    take_lock_tries=$((take_lock_tries + 1))
    if [ "$take_lock_tries" -gt 5 ]; then
      rm -f "$take_lock_own"
      die "$E_BUSY" "$STATE_DIR/lock is in the way and cannot be taken over"
    fi
    take_lock_pid='' take_lock_start=''
    read -r take_lock_pid take_lock_start <"$STATE_DIR/lock" 2>/dev/null
    if is_running "$take_lock_pid" "$take_lock_start"; then
      rm -f "$take_lock_own"
      die "$E_BUSY" "another installer is at work on this node (process $take_lock_pid)"
    fi
    # Of several that see a dead owner, one wins the rename.
    mv "$STATE_DIR/lock" "$STATE_DIR/lock.dead.$$" 2>/dev/null && rm -f "$STATE_DIR/lock.dead.$$"
    sleep 1
  done
  rm -f "$take_lock_own"
  LOCK_FILE=$STATE_DIR/lock
}

is_running() {
  [ -n "$1" ] && kill -0 "$1" 2>/dev/null || return 1
  is_running_start=$(process_start "$1")
  [ -z "${2:-}" ] || [ -z "$is_running_start" ] || [ "$2" = "$is_running_start" ]
}

process_start() {
  # Field 22 of /proc/PID/stat; the second field is a name that may hold blanks and brackets.
  sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

at_exit() {
  EXIT_HOOKS="$1 $EXIT_HOOKS"
}

leave() {
  trap - EXIT
  trap '' HUP INT TERM
  leave_code=$1
  # A signal may meet a subshell of bash before it has dropped these traps: that is not the script's end.
  leave_pid=$(exec /bin/sh -c 'echo "$PPID"' 2>/dev/null)
  [ "${leave_pid:-$$}" = "$$" ] || exit "$leave_code"
  if [ "$leave_code" -eq 0 ] && [ "$FINISHED" != yes ]; then leave_code=$E_INTERNAL; fi
  for leave_hook in $EXIT_HOOKS; do "$leave_hook"; done
  conclude "$leave_code"
  [ -z "$LOCK_FILE" ] || rm -f "$LOCK_FILE"
  [ -z "$WORK_DIR" ] || rm -rf "$WORK_DIR"
  exit "$leave_code"
}

finish() {
  FINISHED=yes
  [ "$WARNINGS" -eq 0 ] || exit "$E_WARNINGS"
  exit "$E_OK"
}

have() {
  command -v "$1" >/dev/null 2>&1
}

program() {
  for program_dir in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
    if [ -f "$program_dir/$1" ] && [ -x "$program_dir/$1" ]; then
      echo "$program_dir/$1"
      return 0
    fi
  done
  return 1
}

file_size() {
  # shellcheck disable=SC2012 # one known path; ls is what every root has, and reads nothing of the file
  if [ -f "$1" ]; then ls -lnL "$1" | { read -r _ _ _ _ file_size_bytes _ && echo "$file_size_bytes"; }; else echo 0; fi
}

need_space() {
  need_space_free=$(df -Pk "$2" 2>/dev/null | { read -r _ && read -r _ _ _ need_space_kib _ && echo "$need_space_kib"; })
  case $need_space_free in
    '' | *[!0-9]*) return 0 ;;
  esac
  [ "$need_space_free" -gt "$(($1 / 1024))" ] ||
    die "$E_NO_SPACE" "$2 has ${need_space_free} KiB free, $(($1 / 1024)) KiB are needed"
}
