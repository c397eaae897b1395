# shellcheck shell=sh
# The end of a run: one line that says what happened, and the same to the head node.
#
# Provides
#   note_installed NAME VERSION    installed or upgraded by this run
#   note_present NAME VERSION      was there already
#   note_removed NAME VERSION      was there, and is gone by this run
#   conclude CODE                  called once, by leave (guard.sh)
# A failed or switched off report never changes the outcome, nor holds it up for more than REPORT_SECONDS.

REPORT_SECONDS=20

INSTALLED=
INSTALLED_COUNT=0
PRESENT=
PRESENT_COUNT=0
REMOVED=
REMOVED_COUNT=0
CONCLUDED=no

note_installed() {
  INSTALLED="$INSTALLED${INSTALLED:+ }$1-$2"
  INSTALLED_COUNT=$((INSTALLED_COUNT + 1))
}

note_present() {
  PRESENT="$PRESENT${PRESENT:+ }$1-$2"
  PRESENT_COUNT=$((PRESENT_COUNT + 1))
}

note_removed() {
  REMOVED="$REMOVED${REMOVED:+ }$1-$2"
  REMOVED_COUNT=$((REMOVED_COUNT + 1))
}

conclude() {
  [ "$CONCLUDED" = no ] || return 0
  CONCLUDED=yes
  conclude_text=$(summary "$1")
  log "$conclude_text"
  if [ "$1" -eq "$E_OK" ] || [ "$1" -eq "$E_WARNINGS" ]; then
    printf 'diskful: %s\n' "$conclude_text"
  else
    printf 'diskful: %s\n' "$conclude_text" >&2
  fi
  [ "$REPORT" = yes ] && [ "$DRY_RUN" = no ] && [ -n "$WORK_DIR" ] || return 0
  # In a shell of its own: whatever ends there (no way to download, a full disk) is not the end of this one.
  (send_report "$1") 2>/dev/null || log 'no report was sent'
}

summary() {
  if [ "$DRY_RUN" = yes ] && { [ "$1" -eq "$E_OK" ] || [ "$1" -eq "$E_WARNINGS" ]; }; then
    echo 'dry run: nothing was changed'
    return
  fi
  case $1 in
    "$E_OK" | "$E_WARNINGS")
      summary_text="$INSTALLED_COUNT installed${INSTALLED:+ ($INSTALLED)}, $PRESENT_COUNT already there"
      [ -z "$REMOVED" ] || summary_text="$REMOVED_COUNT removed ($REMOVED)"
      [ "$WARNINGS" -eq 0 ] || summary_text="$summary_text, WITH $WARNINGS WARNING(S), the first: $FIRST_WARNING"
      if [ -n "$ENABLED" ] && [ "$INSTALLED_COUNT" -eq 0 ]; then
        summary_text="$summary_text; enabled: $ENABLED"
      elif [ -n "$ENABLED" ]; then
        summary_text="$summary_text; enabled, not started: $ENABLED; next: reboot, or systemctl start ${ENABLED%% *}"
      fi
      ;;
    *) summary_text="FAILED ($1: $(exit_meaning "$1"))${FAILURE:+: $FAILURE}" ;;
  esac
  [ "$LOG_FILE" = /dev/null ] || summary_text="$summary_text; log $LOG_FILE"
  echo "$summary_text"
}

send_report() {
  FORM_FILE=$WORK_DIR/report
  : >"$FORM_FILE"
  case $1 in
    "$E_OK")
      report_result=present
      [ "$REMOVED_COUNT" -eq 0 ] || report_result=removed
      [ "$INSTALLED_COUNT" -eq 0 ] || report_result=installed
      ;;
    "$E_WARNINGS") report_result=warnings ;;
    "$E_ROLLED_BACK") report_result=rolled-back ;;
    *) report_result=failed ;;
  esac
  # Not known yet where a run ended early, or took its TARs from the disk.
  [ -n "$NODE_NAME" ] || find_facts
  form_field node "$NODE_NAME"
  form_field installer "$INSTALLER"
  form_field result "$report_result"
  form_field exit_code "$1"
  form_field arch "$NODE_ARCH"
  form_field os "$NODE_OS"
  form_field pkg "$NODE_PKG"
  form_field installed "$(first_bytes 3000 "$INSTALLED")"
  form_field present "$(first_bytes 1500 "$PRESENT")"
  form_field removed "$(first_bytes 1500 "$REMOVED")"
  form_field enabled "$(first_bytes 500 "$ENABLED")"
  form_field warnings "$WARNINGS"
  form_field message "$(first_bytes 1000 "${FAILURE:-$FIRST_WARNING}")"
  form_field seconds "$(($(date +%s) - STARTED))"
  case $report_result in
    failed | rolled-back) form_field log "$(tail -n 40 "$LOG_FILE" 2>/dev/null | tail -c 3000)" ;;
  esac
  HTTP_STALL=5
  report_until=$(($(date +%s) + REPORT_SECONDS))
  until post "$SERVED_BASE_URL/report" "$FORM_FILE" "$WORK_DIR/report-answer" 1; do
    report_pause=$(report_again_in) && [ "$(($(date +%s) + report_pause))" -le "$report_until" ] || {
      log "the report did not arrive: ${HTTP_WHY:-no answer}"
      return 0
    }
    log "the report is not taken yet ($HTTP_WHY); again in $report_pause s"
    sleep "$report_pause"
  done
}

# When a head node that has its hands full would take it: never all nodes at once. False for any other answer, and for
# none: whoever waits for the installer does not wait for that.
report_again_in() {
  case $HTTP_STATUS in
    429 | 503) ;;
    *) return 1 ;;
  esac
  http_spread "${http_pause:-2}"
}

first_bytes() {
  printf '%s' "$2" | cut -c "1-$1"
}
