#!/bin/sh
# parts: exit-codes say guard arguments checksum http tables facts services plan report tar-awk tar-look tar-owners tar-config tar-plan tar-lay tar-users tar-unpack tar-own tar-scripts tar-journal tar-after tar-verify tar-install tar-remove
# Installs from TARs, on any Linux: unpacks to /opt/scyld/NAME, copies what is below ./pkg into the system.

MODE=install
OWN_FILES=

own_option() {
  case $1 in
    --uninstall) MODE=uninstall ;;
    --verify) MODE=verify ;;
    --recover) MODE=recover ;;
    --no-pre) RUN_PRE=no ;;
    --force-conflicts) FORCE_CONFLICTS=yes ;;
    --file=*)
      [ -f "${1#*=}" ] || die "$E_USAGE" "there is no file ${1#*=}"
      OWN_FILES="$OWN_FILES${OWN_FILES:+$TAB}${1#*=}"
      ;;
    *) return 1 ;;
  esac
}

own_help() {
  cat <<'END'
  --file=PATH       install this TAR from the disk (may be repeated); the head node is not asked
  --uninstall       remove the packages named, as `rpm -e` would
  --verify          compare what is installed with what was, as `rpm -V` does; without names: everything
  --recover         only end what an earlier run left half done
  --no-pre          leave out pre-install scripts
  --force-conflicts overwrite files of other packages
END
}

main() {
  begin tar
  parse_arguments "$@"
  [ "$DRY_RUN" = yes ] || [ "$MODE" = verify ] || open_log "$SERVED_LOG"
  need_root
  tar_needs
  at_exit tar_leave
  case $MODE in
    verify) verify_all ;;
    uninstall) uninstall_all ;;
    recover) with_state ;;
    *) if [ -n "$OWN_FILES" ]; then install_files; else install_plan; fi ;;
  esac
  finish
}

with_state() {
  open_state
  take_lock
  # What a cut run left to do may be scripts of an installation.
  hold_services
  tar_recover_all
}

install_plan() {
  need_checksum_tool
  find_facts
  with_state
  fetch_plan tar
  each_unresolved tell_unresolved
  [ "$DRY_RUN" = no ] || show_plan
  each_row install_row
  enable_services
  [ "$DRY_RUN" = yes ] || drop_downloads
}

install_row() {
  if [ "$DRY_RUN" = no ] && tar_is_installed "$ROW_NAME" "$ROW_SHA256"; then
    say "$ROW_NAME $ROW_VERSION is installed already"
    note_present "$ROW_NAME" "$ROW_VERSION"
    return 0
  fi
  fetch_row
  tar_install "$ROW_PATH" "$ROW_NAME" "$ROW_VERSION" "$(sha256_of "$ROW_PATH")"
}

install_files() {
  with_state
  set -f
  IFS=$TAB
  # shellcheck disable=SC2086 # a list
  set -- $OWN_FILES
  unset IFS
  set +f
  for install_file; do
    install_file_path=$(readlink -f "$install_file")
    install_file_meta=$WORK_DIR/package.tsv
    # shellcheck disable=SC2046 # a flag or none
    tar $(tar_compression "$install_file_path") -x -O -f "$install_file_path" ./pkg/meta/package.tsv >"$install_file_meta" 2>/dev/null || :
    tar_own_name "$install_file_path"
    install_file_name=$(tar_value "$install_file_meta" name)
    tar_install "$install_file_path" "${install_file_name:-$OWN_NAME}" "$OWN_VERSION" "$(sha256_of "$install_file_path")"
  done
  enable_services
}

# A TAR cannot bring in what rpm or apt would; what can be seen from here is said.
tell_unresolved() {
  case $2 in
    rpmlib\(* | config\(* | /bin/sh | /usr/bin/sh) ;;
    /*)
      tell_unresolved_path=${2%% *}
      [ -e "$tell_unresolved_path" ] || warn "$1 needs $2, which neither the head node nor this node has"
      ;;
    *) say "$1 also needs $2: not on the head node; this installer cannot tell whether the node has it" ;;
  esac
}

uninstall_all() {
  # The head node's default list is for installing.
  [ "$PACKAGES_CHOSEN" = yes ] || die "$E_USAGE" '--uninstall needs the names of packages'
  with_state
  # A service that goes is stopped by its package, as under rpm.
  let_services
  for uninstall_name in $PACKAGES; do
    if tar_remove "$uninstall_name"; then
      [ "$DRY_RUN" = yes ] || note_removed "$uninstall_name" "$TAR_EVR"
    else
      say "$uninstall_name is not installed as a TAR"
    fi
  done
}

verify_all() {
  if [ "$PACKAGES_CHOSEN" = no ]; then
    PACKAGES=
    for verify_home in "$TAR_STATE"/*/pkg/meta/files.tsv; do
      [ ! -f "$verify_home" ] || choose_packages "$(printf '%s' "${verify_home%/pkg/meta/files.tsv}" | sed 's/.*\///')"
    done
  fi
  verify_bad=
  for verify_name in $PACKAGES; do
    tar_verify "$verify_name"
    case $? in
      0) note_present "$verify_name" "$(tar_value "$TAR_HOME/pkg/meta/package.tsv" evr)" ;;
      1) verify_bad="$verify_bad $verify_name" ;;
      *) verify_bad="$verify_bad $verify_name" && say "$verify_name is not installed as a TAR" ;;
    esac
  done
  [ -z "$verify_bad" ] || die "$E_VERIFY" "differs from what was installed:$verify_bad"
}

main "$@"
