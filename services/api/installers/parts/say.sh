# shellcheck shell=sh
# Talking: the console, the log, warnings and the way out.
#
# Provides
#   open_log NAME         a fresh /tmp/NAME, mode 0600, never through somebody else's file or link; sets LOG_FILE
#   log TEXT              one line, with the time, in the log only
#   say TEXT              the log and standard output
#   warn TEXT             the log and standard error; counted in WARNINGS, the first kept in FIRST_WARNING
#   die CODE TEXT         the log and standard error; exits CODE (an E_*). Not from a subshell or pipeline
#   run_logged COMMAND..  runs it with its output in the log; its status; the output alone in LAST_OUTPUT (a file)
#   show_last_output      the last lines of LAST_OUTPUT on standard error
# Needs: begin, which opens descriptor 9 (the log) on /dev/null and makes WORK_DIR

LOG_FILE=/dev/null
WARNINGS=0
FIRST_WARNING=
FAILURE=

open_log() {
  open_log_path=/tmp/$1
  if ! { rm -f "$open_log_path" && (umask 077 && set -C && : >"$open_log_path"); } 2>/dev/null; then
    open_log_path=$(mktemp "/tmp/$1.XXXXXX" 2>/dev/null) || open_log_path=$WORK_DIR/$1
    warn "/tmp/$1 cannot be made (something is in its place); logging to $open_log_path"
  fi
  if ! has_room "$open_log_path"; then
    # What a package tool cannot write of its output it may take for a failure of its work.
    open_log_full=$open_log_path
    open_log_path=$(mktemp "/var/log/$1.XXXXXX" 2>/dev/null) || open_log_path=$WORK_DIR/$1
    warn "$open_log_full cannot be written (a full file system?); logging to $open_log_path"
    has_room "$open_log_path" || return 0
  fi
  LOG_FILE=$open_log_path
  exec 9>>"$LOG_FILE"
}

# For a log, which is empty now and afterwards.
has_room() {
  { printf '%65536s' '' >"$1"; } 2>/dev/null && : >"$1"
}

log() {
  printf '%s %s\n' "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" "$*" >&9
}

say() {
  log "$*"
  printf 'diskful: %s\n' "$*"
}

warn() {
  WARNINGS=$((WARNINGS + 1))
  [ -n "$FIRST_WARNING" ] || FIRST_WARNING=$*
  log "WARNING: $*"
  printf 'diskful: warning: %s\n' "$*" >&2
}

die() {
  die_code=$1
  shift
  FAILURE=$*
  log "ERROR $die_code: $*"
  printf 'diskful: error: %s\n' "$*" >&2
  exit "$die_code"
}

run_logged() {
  log "+ $*"
  LAST_OUTPUT=$WORK_DIR/last-output
  if [ -f "$LOG_FILE" ]; then
    # Straight into the log, so that a node which dies half-way has it; no pipe, so that a daemon which a
    # scriptlet left behind holds nothing open.
    run_logged_from=$(wc -l <"$LOG_FILE")
    "$@" >&9 2>&1 9>&-
    run_logged_status=$?
    sed "1,$((run_logged_from))d" "$LOG_FILE" >"$LAST_OUTPUT"
  else
    "$@" >"$LAST_OUTPUT" 2>&1 9>&-
    run_logged_status=$?
  fi
  log "= $run_logged_status"
  return "$run_logged_status"
}

show_last_output() {
  [ -s "$LAST_OUTPUT" ] || return 0
  tail -n 15 "$LAST_OUTPUT" | sed 's/^/  | /' >&2
}
