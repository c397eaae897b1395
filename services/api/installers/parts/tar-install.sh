# shellcheck shell=sh
# One package, from a TAR on this node to installed.
#
# Provides
#   tar_needs                            dies with E_UNSUITABLE when a tool is missing
#   tar_install FILE NAME VERSION SHA256    VERSION for an admin's own TAR; SHA256 '' where not known
#   tar_is_installed NAME SHA256         this very TAR is installed, and nothing of it is missing
# Options (tar.sh): FORCE_CONFLICTS, RUN_PRE

FORCE_CONFLICTS=no
RUN_PRE=yes

# Every tool and every option that is used; busybox has all of them.
tar_needs() {
  tar_needs_list=
  for tar_needs_tool in awk cat chmod chown cp cut date find grep gzip ln mkdir mv od readlink rm rmdir sed sha256sum sort \
    stat tar tr; do
    have "$tar_needs_tool" || tar_needs_list="$tar_needs_list $tar_needs_tool"
  done
  [ -z "$tar_needs_list" ] || die "$E_UNSUITABLE" "this node lacks$tar_needs_list; nothing was changed"
  [ "$(stat -c '%a %u %g %d' / 2>/dev/null | wc -w)" -eq 4 ] || die "$E_UNSUITABLE" 'stat here does not know -c; nothing was changed'
  [ "$(readlink -f / 2>/dev/null)" = / ] || die "$E_UNSUITABLE" 'readlink here does not know -f; nothing was changed'
}

tar_install() {
  tar_inspect "$1"
  tar_meet "$2"
  tar_begin install
  [ "$DRY_RUN" = yes ] || [ "$TAR_BYTES" -eq 0 ] || tar_enough_space
  tar_unpacked "$1" "$3"
  tar_about sha256 "$4"
  tar_what_it_is
  if [ "$TAR_KIND" = same ]; then
    tar_back || warn "$TAR_TREE cannot be removed"
    say "$TAR_NAME $TAR_EVR is installed already"
    note_present "$TAR_NAME" "$TAR_EVR"
    return 0
  fi
  tar_check_scripts "$TAR_TREE/pkg"
  tar_conditions
  if [ "$DRY_RUN" = yes ]; then
    tar_show
    TAR_ACTIVE=no
    return 0
  fi
  say "$TAR_KIND of $TAR_NAME $TAR_EVR"
  tar_before_files
  tar_lay_down
  tar_forward
  tar_tell_triggers "$TAR_HOME/pkg"
  note_installed "$TAR_NAME" "$TAR_EVR"
}

tar_enough_space() {
  tar_space_free=$(df -Pk "$TAR_STATE" 2>/dev/null | sed -n '$p' | tr -s ' ' | cut -d ' ' -f 4)
  case $tar_space_free in '' | *[!0-9]*) return 0 ;; esac
  [ "$tar_space_free" -gt "$((TAR_BYTES / 1024 + 1024))" ] || tar_fail "$E_NO_SPACE" \
    "$TAR_STATE has $tar_space_free KiB free, $TAR_NAME unpacks to $((TAR_BYTES / 1024)) KiB; nothing was changed"
}

tar_unpacked() {
  if ! tar_unpack "$1" "$TAR_TREE"; then
    TAR_WHY=$(sed -n '$p' "$LAST_OUTPUT")
    tar_unpacked_code=$(tar_fail_kind)
    [ "$tar_unpacked_code" = "$E_NO_SPACE" ] || tar_unpacked_code=$E_DAMAGED
    tar_fail "$tar_unpacked_code" "$1 cannot be unpacked ($TAR_WHY); nothing was changed"
  fi
  [ "$TAR_MADE_FROM" = rpm ] || tar_make_own "$2"
  [ "$(tar_value "$TAR_TREE/pkg/meta/package.tsv" layout)" = 1 ] ||
    tar_fail "$E_DAMAGED" "$1 has a layout that this installer does not know: download a newer installer from the head node"
  [ "$(tar_value "$TAR_TREE/pkg/meta/package.tsv" name)" = "$TAR_NAME" ] ||
    tar_fail "$E_DAMAGED" "$1 holds $(tar_value "$TAR_TREE/pkg/meta/package.tsv" name), not $TAR_NAME"
  [ "$(tar_value "$TAR_TREE/pkg/meta/package.tsv" source)" != yes ] ||
    tar_fail "$E_UNSUITABLE" "$1 is a source package"
  tar_check_sums "$TAR_TREE" || tar_fail "$E_DAMAGED" "$1 does not fit its own checksums ($TAR_WHY); nothing was changed"
}

# TAR_KIND: first installation, upgrade, repair, or same. TAR_NUMBER as rpm counts. TAR_OLD_FILES for the plan.
tar_what_it_is() {
  TAR_EVR=$(tar_value "$TAR_TREE/pkg/meta/package.tsv" evr)
  TAR_KIND='first installation' TAR_NUMBER=1 TAR_OLD_FILES=/dev/null
  if [ -f "$TAR_HOME/pkg/meta/files.tsv" ]; then
    TAR_OLD_FILES=$TAR_HOME/pkg/meta/files.tsv
    if ! tar_same_package; then
      TAR_KIND=upgrade TAR_NUMBER=2
      say "$TAR_NAME $(tar_value "$TAR_HOME/pkg/meta/package.tsv" evr) is installed, $TAR_EVR takes its place"
    elif tar_is_whole; then
      TAR_KIND=same
    else
      # Its scripts did their work on another root (a new image under an old /opt) or will not harm by doing it again.
      TAR_KIND=repair
      say "$TAR_NAME $TAR_EVR is installed, but not whole ($TAR_WHY): installing it again"
    fi
  fi
  tar_about number "$TAR_NUMBER"
  [ "$TAR_KIND" != upgrade ] || [ "$DRY_RUN" = yes ] || tar_keep_old || tar_fail "$E_NO_SPACE" "$TAR_JOURNAL cannot be written"
}

tar_keep_old() {
  mkdir "$TAR_JOURNAL/old.part" && cp -pR "$TAR_HOME/pkg/meta" "$TAR_JOURNAL/old.part/" || return
  [ ! -d "$TAR_HOME/pkg/scripts" ] || cp -pR "$TAR_HOME/pkg/scripts" "$TAR_JOURNAL/old.part/" || return
  # An admin's own scripts may lie beside.
  for tar_keep_file in "$TAR_HOME"/pkg/*; do
    [ ! -f "$tar_keep_file" ] || cp -p "$tar_keep_file" "$TAR_JOURNAL/old.part/" || return
  done
  mv "$TAR_JOURNAL/old.part" "$TAR_JOURNAL/old"
}

tar_same_package() {
  for tar_same_file in package.tsv files.tsv scripts.tsv SHA256SUMS; do
    [ "$(sha256sum <"$TAR_HOME/pkg/meta/$tar_same_file")" = "$(sha256sum <"$TAR_TREE/pkg/meta/$tar_same_file")" ] || return
  done
}

tar_is_installed() {
  [ -n "$2" ] && [ "$2" != - ] || return 1
  tar_meet "$1"
  [ "$(tar_value "$TAR_HOME/pkg/meta/receipt.tsv" tar-sha256)" = "$2" ] || return
  tar_is_whole
}

# Everything that can fail without having changed anything.
tar_conditions() {
  TAR_LINKS=yes
  ! tar_selinux || TAR_LINKS=no # one inode has one label, and these are two places
  TAR_NODES=yes
  if grep -q '^[cb]' "$TAR_TREE/pkg/meta/files.tsv" && ! mknod "$WORK_DIR/node" c 1 3 2>/dev/null; then TAR_NODES=no; fi
  rm -f "$WORK_DIR/node"
  tar_planned check
  if [ -s "$TAR_JOURNAL/check/refused" ]; then tar_refused; fi
  [ "$DRY_RUN" = no ] || return 0
  tar_lines check/probe.sh || tar_fail "$E_NO_SPACE" "$TAR_NAME cannot be installed: $TAR_WHY; nothing was changed"
}

tar_planned() {
  if ! tar_look "$TAR_TREE/pkg/meta/files.tsv" "$TAR_OLD_FILES" "$TAR_JOURNAL/$1" 2>"$WORK_DIR/tar-lines" ||
    ! tar_plan "$TAR_TREE/pkg/meta/files.tsv" "$TAR_OLD_FILES" "$TAR_JOURNAL/$1" 2>"$WORK_DIR/tar-lines"; then
    TAR_WHY=$(sed -n '$p' "$WORK_DIR/tar-lines")
    tar_fail "$(tar_fail_kind)" "what to do for $TAR_NAME cannot be found out ($TAR_WHY)"
  fi
  if [ "$1" = check ]; then tar_mark checked; else tar_mark planned; fi || tar_fail "$E_NO_SPACE" "$TAR_WHY"
}

tar_refused() {
  while IFS=$TAB read -r tar_refused_kind tar_refused_text <&3; do
    [ "$tar_refused_kind" = conflict ] || tar_fail "$E_UNSUITABLE" "$TAR_NAME cannot be installed: $tar_refused_text"
    log "conflict: $tar_refused_text"
  done 3<"$TAR_JOURNAL/check/refused"
  tar_refused_text=$(sed -n '1,3{s/^[^\t]*\t//;p;}' "$TAR_JOURNAL/check/refused" | tr '\n' ';')
  # A folder in the way, or a link that cannot be trusted, is not helped by force.
  if [ "$FORCE_CONFLICTS" = yes ] && ! grep -qv ' belongs to ' "$TAR_JOURNAL/check/refused"; then
    warn "$TAR_NAME overwrites files of others, as asked: $tar_refused_text"
  else
    tar_fail "$E_CONFLICT" "$TAR_NAME cannot be installed: $tar_refused_text nothing was changed"
  fi
}

tar_show() {
  say "$TAR_KIND of $TAR_NAME $TAR_EVR would do:"
  cat "$TAR_JOURNAL/check/text"
  while IFS=$TAB read -r tar_show_slot _ _ tar_show_args _ <&3; do
    case $tar_show_slot in pre | post | pretrans | posttrans) echo "  run       %$tar_show_slot ($tar_show_args) $TAR_NUMBER" ;; esac
  done 3<"$TAR_TREE/pkg/meta/scripts.tsv"
  while IFS=$TAB read -r tar_show_unit tar_show_why tar_show_install _ <&3; do
    case $tar_show_why:$tar_show_install in enable:yes | preset:yes) echo "  enable    $tar_show_unit" ;; esac
  done 3<"$TAR_TREE/pkg/meta/units.tsv"
}

tar_before_files() {
  tar_create_users "$TAR_TREE/pkg"
  if [ "$RUN_PRE" = yes ]; then
    tar_before_script "$TAR_TREE/pkg" pretrans "$TAR_NUMBER"
    [ ! -d "$TAR_JOURNAL/old" ] || tar_before_script "$TAR_JOURNAL/old" preuntrans 1
    tar_before_script "$TAR_TREE/pkg" pre "$TAR_NUMBER"
  fi
  tar_create_late "$TAR_TREE/pkg"
  tar_forget_owners
}

tar_before_script() {
  tar_run_script "$1" "$2" "$3" ||
    tar_fail "$E_PRE_SCRIPT" "%$2 of $TAR_NAME failed ($TAR_WHY); none of its files was laid down"
}

tar_lay_down() {
  tar_planned plan
  if [ -s "$TAR_JOURNAL/plan/refused" ] && [ "$FORCE_CONFLICTS" = no ]; then
    tar_fail "$E_CONFLICT" "after its pre script $TAR_NAME cannot be installed: $(cut -f 2 "$TAR_JOURNAL/plan/refused" | sed -n 1p)"
  fi
  while IFS= read -r tar_lay_text <&3; do warn "$tar_lay_text"; done 3<"$TAR_JOURNAL/plan/warned"
  cat "$TAR_JOURNAL/plan/text" >&9
  tar_lines plan/stage.sh || tar_fail "$(tar_fail_kind)" "$TAR_NAME cannot be laid down ($TAR_WHY); the node is as it was"
  tar_settle
  tar_mark commit || tar_fail "$E_NO_SPACE" "$TAR_WHY"
  tar_lines plan/commit.sh || tar_fail "$(tar_fail_kind)" "$TAR_NAME cannot be put in place ($TAR_WHY); the node is as it was"
  tar_settle
  tar_mark committed || tar_fail "$E_NO_SPACE" "$TAR_WHY"
  tar_tell_config
}

# What became of files that somebody changed.
tar_tell_config() {
  sed -n 's/^  config *//p' "$TAR_JOURNAL/plan/text" >"$WORK_DIR/config-said"
  while IFS= read -r tar_config_text <&3; do say "$tar_config_text"; done 3<"$WORK_DIR/config-said"
}
