# shellcheck shell=sh
# From what was found to an installer that fits: asked for, checked, run.
#
# Provides
#   ask_for_installer     posts the facts, and what was fixed beforehand (ASK_PKG, served values); INSTALLER_FILE
#   check_installer FILE  is it one of ours, whole and undamaged? dies with E_BAD_SCRIPT
#   run_installer ARG..   runs INSTALLER_FILE in a shell of its own and ends with its exit code

INSTALLER_FILE=
ASK_PKG=

ask_for_installer() {
  FORM_FILE=$WORK_DIR/facts
  : >"$FORM_FILE"
  # What somebody fixed goes first, under names of its own; the facts stay facts.
  form_field asked_arch "$SERVED_ARCH"
  form_field asked_os "$SERVED_OS"
  form_field asked_pkg "${ASK_PKG:-$SERVED_PKG}"
  [ "$PACKAGES_CHOSEN" = no ] || form_field packages "$PACKAGES"
  form_facts
  INSTALLER_FILE=$WORK_DIR/installer
  say "this node: $NODE_ARCH, $NODE_OS${NODE_OS_WHY:+ ($NODE_OS_WHY)}, packages: $NODE_PKG; asking the head node"
  post "$SERVED_BASE_URL/installer" "$FORM_FILE" "$INSTALLER_FILE" || fetch_failed 'the installer'
  check_installer "$INSTALLER_FILE"
  sed -n '2,4s/^# /  head node: /p' "$INSTALLER_FILE" >&9
}

check_installer() {
  check_installer_sum=$(sed -n '1,5s/^# sha256 of all lines below this one: \([0-9a-f]\{64\}\)$/\1/p' "$1")
  case $(sed -n 1p "$1") in
    '#!'*) ;;
    *) die "$E_BAD_SCRIPT" "$SERVED_BASE_URL/installer answers no script (something in between?)" ;;
  esac
  [ -n "$check_installer_sum" ] || die "$E_BAD_SCRIPT" 'the installer has no checksum line (something in between?)'
  sed '1,/^# sha256 of all lines below this one: /d' "$1" >"$WORK_DIR/installer-body"
  checksum_fits "$WORK_DIR/installer-body" "$check_installer_sum" ||
    die "$E_BAD_SCRIPT" 'the installer does not fit its checksum: it was cut or changed on the way'
}

run_installer() {
  run_installer_shell=/bin/sh
  case $(sed -n 1p "$INSTALLER_FILE") in
    '#!'*bash*) ! have bash || run_installer_shell=bash ;;
  esac
  "$run_installer_shell" -n "$INSTALLER_FILE" 2>"$WORK_DIR/syntax" ||
    die "$E_BAD_SCRIPT" "the installer is no valid script: $(sed -n 1p "$WORK_DIR/syntax")"
  log "running it: $run_installer_shell installer $*"
  # Not as an executable: the folder may be mounted noexec.
  "$run_installer_shell" "$INSTALLER_FILE" "$@" 9>&-
  run_installer_status=$?
  log "the installer ended with $run_installer_status ($(exit_meaning "$run_installer_status"))"
  CONCLUDED=yes FINISHED=yes
  exit "$run_installer_status"
}
