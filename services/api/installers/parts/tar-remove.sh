# shellcheck shell=sh
# A package that this installer installed, taken away as `rpm -e` would.
#
# Provides: tar_remove NAME   0: removed. 1: it is not installed

tar_remove() {
  tar_meet "$1"
  [ -f "$TAR_HOME/pkg/meta/files.tsv" ] || return 1
  TAR_EVR=$(tar_value "$TAR_HOME/pkg/meta/package.tsv" evr)
  TAR_OLD_FILES=$TAR_HOME/pkg/meta/files.tsv
  tar_begin remove
  TAR_NEWTREE=/
  TAR_LINKS=no TAR_NODES=no
  [ "$DRY_RUN" = yes ] || tar_keep_old || tar_fail "$E_NO_SPACE" "$TAR_JOURNAL cannot be written"
  tar_removal_planned
  if [ "$DRY_RUN" = yes ]; then
    say "removal of $TAR_NAME $TAR_EVR would do:"
    cat "$TAR_JOURNAL/plan/text"
    TAR_ACTIVE=no
    return 0
  fi
  say "removal of $TAR_NAME $TAR_EVR"
  tar_lines plan/probe.sh || tar_fail "$E_NO_SPACE" "$TAR_NAME cannot be removed: $TAR_WHY; nothing was changed"
  tar_remove_script preuntrans
  tar_remove_script preun
  tar_mark committed || tar_fail "$E_NO_SPACE" "$TAR_WHY"
  tar_tell_config
  tar_forward
  say "$TAR_NAME $TAR_EVR is removed"
}

tar_removal_planned() {
  if ! tar_look /dev/null "$TAR_OLD_FILES" "$TAR_JOURNAL/plan" 2>"$WORK_DIR/tar-lines" ||
    ! tar_plan /dev/null "$TAR_OLD_FILES" "$TAR_JOURNAL/plan" 2>"$WORK_DIR/tar-lines"; then
    TAR_WHY=$(sed -n '$p' "$WORK_DIR/tar-lines")
    tar_fail "$(tar_fail_kind)" "what to do for $TAR_NAME cannot be found out ($TAR_WHY)"
  fi
  tar_mark planned || tar_fail "$E_NO_SPACE" "$TAR_WHY"
}

tar_remove_script() {
  tar_run_script "$TAR_JOURNAL/old" "$1" 0 ||
    tar_fail "$E_PRE_SCRIPT" "%$1 of $TAR_NAME failed ($TAR_WHY); it stays installed"
}
