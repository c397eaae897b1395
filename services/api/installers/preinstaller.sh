#!/bin/sh
# parts: exit-codes say guard arguments checksum http tables facts services report ask
# Finds out what this node is, asks the head node for the installer that fits, checks and runs it.

own_option() {
  case $1 in
    --pkg=rpm | --pkg=deb | --pkg=tar) ASK_PKG=${1#*=} ;;
    *) return 1 ;;
  esac
}

own_help() {
  echo '  --pkg=TYPE        rpm, deb or tar, instead of what is found to fit'
}

main() {
  begin "$SERVED_INSTALLER"
  parse_arguments "$@"
  [ "$DRY_RUN" = yes ] || open_log "$SERVED_LOG"
  need_root
  need_checksum_tool
  find_facts
  ask_for_installer
  set --
  [ "$DRY_RUN" = no ] || set -- "$@" --dry-run
  [ "$CHECKSUMS" = yes ] || set -- "$@" --no-checksum
  [ "$REPORT" = yes ] || set -- "$@" --no-report
  [ "$ENABLE" = yes ] || set -- "$@" --no-enable
  run_installer "$@"
}

main "$@"
