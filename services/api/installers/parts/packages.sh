# shellcheck shell=sh
# What the rpm and the deb installer have in common: rows of the plan against what the node has.
#
# The installer defines, for the row at hand
#   row_is_installed       the same or a newer version is there, and whole
#   row_scriptlets         prints its scriptlets, once it is installed
#   LOCKED                 what its tools say where another has their lock, as an extended regular expression
# Provides
#   begin_packages KIND ARG..   the beginning of main, up to the facts of the node
#   finish_packages        its end: units are enabled, downloads dropped
#   say_left               for each_unresolved
#   told_by PATTERN..      the line of LAST_OUTPUT that says why it failed: the first that fits the first pattern that
#                          fits any; where none does, the last one
#   collect_rows           downloads what is missing into FILES_LIST (paths); notes what is there; in a dry run only
#                          says so. What a cut run left installed goes to REPAIR_LIST as well
#   patiently CMD..        runs CMD, which starts no service, with its output in the log; again for as long as another
#                          package tool is at work; dies with E_BUSY after LOCK_WAIT seconds
#   with_list LIST CMD..   runs CMD with the lines of LIST as further arguments
#   remember_pending       from now until forget_pending a cut run is noticed by the next one
#   need_rows              dies with E_PACKAGE_TOOL for a row that is not installed after all
#   enable_named_units     enables what the packages' scriptlets enable or preset, once a package and node

LOCK_WAIT=600
FILES_LIST=
REPAIR_LIST=
WANTED=

begin_packages() {
  begin "$1"
  shift
  parse_arguments "$@"
  [ "$DRY_RUN" = yes ] || open_log "$SERVED_LOG"
  need_root
  need_writable_system
  open_state
  take_lock
  need_checksum_tool
  find_facts
}

finish_packages() {
  enable_named_units
  enable_services
  reload_systemd
  drop_downloads
  finish
}

say_left() {
  log "$1 needs $2, which is not on the head node: left to this node"
}

told_by() {
  for told_by_pattern; do
    told_by_line=$(sed -n "/$told_by_pattern/{s/^[[:space:]]*\(.\{1,300\}\).*/\1/p;q;}" "$LAST_OUTPUT")
    [ -z "$told_by_line" ] || break
  done
  [ -n "$told_by_line" ] || told_by_line=$(sed -n '/[^[:space:]]/p' "$LAST_OUTPUT" | sed -n '$s/^[[:space:]]*\(.\{1,300\}\).*/\1/p')
  printf '%s\n' "$told_by_line"
}

# Before anything is changed.
need_writable_system() {
  [ "$DRY_RUN" = no ] || return 0
  for need_writable_dir in /usr /etc /var; do
    [ -w "$need_writable_dir" ] || die "$E_NO_SPACE" "$need_writable_dir cannot be written (read-only?); nothing was changed"
  done
}

collect_rows() {
  FILES_LIST=$WORK_DIR/files REPAIR_LIST=$WORK_DIR/repair WANTED=$WORK_DIR/wanted
  : >"$FILES_LIST"
  : >"$REPAIR_LIST"
  : >"$WANTED"
  each_row collect_row
}

collect_row() {
  if row_is_installed; then
    if grep -qx "$ROW_NAME" "$STATE_DIR/pending" 2>/dev/null; then
      say "$ROW_NAME $ROW_VERSION is there, but the run that installed it was cut: repairing it"
      [ "$DRY_RUN" = no ] || return 0
      fetch_row
      printf '%s\n' "$ROW_PATH" >>"$REPAIR_LIST"
    else
      say "$ROW_NAME $ROW_VERSION or newer is there already"
      note_present "$ROW_NAME" "$ROW_VERSION"
      return 0
    fi
  else
    say "$ROW_NAME $ROW_VERSION is to be installed ($ROW_FILE, $ROW_SIZE bytes)"
    [ "$DRY_RUN" = no ] || return 0
    fetch_row
    printf '%s\n' "$ROW_PATH" >>"$FILES_LIST"
  fi
  printf '%s\t%s\n' "$ROW_NAME" "$ROW_VERSION" >>"$WANTED"
}

patiently() {
  patiently_until=$(($(date +%s) + LOCK_WAIT))
  until run_logged without_starts "$@"; do
    patiently_status=$?
    grep -Eq "$LOCKED" "$LAST_OUTPUT" || return "$patiently_status"
    [ "$(date +%s)" -lt "$patiently_until" ] || die "$E_BUSY" "$1 is locked by another process for $LOCK_WAIT s"
    say "another package tool is at work: waiting for it"
    sleep 5
  done
}

with_list() {
  with_list_file=$1
  shift
  while IFS= read -r with_list_line <&3; do set -- "$@" "$with_list_line"; done 3<"$with_list_file"
  "$@"
}

remember_pending() {
  cut -f 1 "$WANTED" >>"$STATE_DIR/pending" || warn "$STATE_DIR/pending cannot be written"
}

forget_pending() {
  rm -f "$STATE_DIR/pending"
}

need_rows() {
  NOT_INSTALLED=
  each_row need_row
  [ -z "$NOT_INSTALLED" ] || die "$E_PACKAGE_TOOL" "not installed although the package tool reported no failure:$NOT_INSTALLED"
  while IFS=$TAB read -r need_rows_name need_rows_version <&3; do
    note_installed "$need_rows_name" "$need_rows_version"
  done 3<"$WANTED"
}

need_row() {
  row_is_installed || NOT_INSTALLED="$NOT_INSTALLED $ROW_NAME"
}

enable_named_units() {
  [ "$ENABLE" = yes ] || return 0
  mkdir -p "$STATE_DIR/enabled"
  each_row enable_row_units
}

# Once: a unit that an admin disabled since then stays disabled.
enable_row_units() {
  [ ! -e "$STATE_DIR/enabled/$ROW_NAME" ] || return 0
  for enable_row_unit in $(row_scriptlets | units_named); do
    enable_unit "$enable_row_unit" || log "$ROW_NAME names $enable_row_unit, which is not enabled"
  done
  : >"$STATE_DIR/enabled/$ROW_NAME"
}
