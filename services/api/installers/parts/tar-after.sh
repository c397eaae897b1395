# shellcheck shell=sh
# What follows once the files of a package are in their places. Each step may run twice; none goes back.
#
# Provides: tar_step_swap … tar_step_receipt, called by tar_forward
# Uses: TAR_NAME TAR_HOME TAR_TREE TAR_JOURNAL, TAR_NUMBER ($1 of the new version's scripts)

# The folder pkg of the new version takes the old one's place: from here on it says what is installed.
tar_step_swap() {
  [ -d "$TAR_TREE/pkg" ] || return 0
  [ -d "$TAR_HOME" ] || mkdir -m 755 "$TAR_HOME" || return
  if [ "$(stat -L -c %d "$TAR_HOME")" = "$(stat -c %d "$TAR_TREE/pkg")" ]; then
    rm -rf "$TAR_HOME/pkg" && mv "$TAR_TREE/pkg" "$TAR_HOME/pkg"
  else
    rm -rf "$TAR_HOME/.pkg.new" && cp -pR "$TAR_TREE/pkg" "$TAR_HOME/.pkg.new" &&
      rm -rf "$TAR_HOME/pkg" && mv "$TAR_HOME/.pkg.new" "$TAR_HOME/pkg" &&
      # By rename first: half a folder must not be taken for the whole by a next run.
      mv "$TAR_TREE/pkg" "$TAR_TREE/.pkg.gone"
  fi
}

tar_step_labels() {
  tar_selinux && have restorecon || return 0
  tar_lines plan/labels.sh || log "some SELinux labels are not set: $TAR_WHY"
  run_logged restorecon -R "$TAR_HOME" || :
}

tar_selinux() {
  if have selinuxenabled; then selinuxenabled; else [ -e /sys/fs/selinux/enforce ]; fi
}

tar_step_post() {
  tar_run_after "$TAR_HOME/pkg" post "$TAR_NUMBER"
}

tar_step_preun() {
  [ -d "$TAR_JOURNAL/old" ] || return 0
  tar_run_after "$TAR_JOURNAL/old" preun 1
}

tar_step_remove() {
  tar_lines plan/remove.sh || warn "not all old files of $TAR_NAME could be removed ($TAR_WHY)"
}

tar_step_postun() {
  [ -d "$TAR_JOURNAL/old" ] || return 0
  tar_run_after "$TAR_JOURNAL/old" postun "$(tar_left)"
}

tar_step_posttrans() {
  tar_run_after "$TAR_HOME/pkg" posttrans "$TAR_NUMBER"
}

tar_step_postuntrans() {
  [ -d "$TAR_JOURNAL/old" ] || return 0
  tar_run_after "$TAR_JOURNAL/old" postuntrans "$(tar_left)"
}

# How many versions are left, as an old version's scripts are told.
tar_left() {
  if [ "$(tar_value "$TAR_JOURNAL/about" kind)" = remove ]; then echo 0; else echo 1; fi
}

# What file triggers of glibc and systemd do on rpm systems.
tar_step_system() {
  tar_system_list=$TAR_JOURNAL/plan/labels.sh
  [ "$(tar_value "$TAR_JOURNAL/about" kind)" != remove ] || tar_system_list=$TAR_JOURNAL/plan/remove.sh
  if have ldconfig && grep -q '/lib[0-9a-z]*/[^ ]*\.so[.'\'']\|/etc/ld\.so\.conf\.d/' "$tar_system_list"; then
    run_logged ldconfig || warn 'ldconfig failed'
  fi
  if [ -f "$TAR_HOME/pkg/meta/files.tsv" ] && have systemd-tmpfiles; then
    cut -f 15 "$TAR_HOME/pkg/meta/files.tsv" | grep '^/usr/lib/tmpfiles\.d/[A-Za-z0-9._@-]*\.conf$' >"$WORK_DIR/tmpfiles" || :
    while IFS= read -r tar_system_file <&3; do
      run_logged systemd-tmpfiles --create "$tar_system_file" 3<&- || log "systemd-tmpfiles --create $tar_system_file failed"
    done 3<"$WORK_DIR/tmpfiles"
  fi
  ! grep -q '/systemd/' "$tar_system_list" || reload_systemd
}

# What the scriptlets enable or preset; the rest is the head node's list.
tar_step_enable() {
  [ "$ENABLE" = yes ] && [ -f "$TAR_HOME/pkg/meta/units.tsv" ] || return 0
  while IFS=$TAB read -r tar_unit tar_unit_why tar_unit_install _ <&3; do
    case $tar_unit_why:$tar_unit_install in
      enable:yes | preset:yes) enable_unit "$(tar_plain "$tar_unit")" 3<&- || log "$tar_unit is not enabled" ;;
    esac
  done 3<"$TAR_HOME/pkg/meta/units.tsv"
}

tar_step_receipt() {
  {
    printf '# diskful 1 receipt key value\n'
    printf 'installed\t%s\n' "$(date +%s)"
    printf 'tar-sha256\t%s\n' "$(tar_value "$TAR_JOURNAL/about" sha256)"
    printf 'enabled\t%s\n' "${ENABLED:--}"
  } >"$TAR_HOME/pkg/meta/receipt.tsv"
}

# Links to units that are about to go: systemd would stumble over them at the next boot.
tar_step_disable() {
  [ -f "$TAR_JOURNAL/old/meta/units.tsv" ] || return 0
  while IFS=$TAB read -r tar_unit _ _ tar_unit_path <&3; do
    case $tar_unit in '#'* | */* | '') continue ;; esac
    case $tar_unit_path in -) continue ;; esac
    tar_disable_links "$(tar_plain "$tar_unit")" "$(tar_plain "$tar_unit_path")" 3<&- || return
  done 3<"$TAR_JOURNAL/old/meta/units.tsv"
  [ -f "$TAR_JOURNAL/unit-dirs" ] || return 0
  while IFS= read -r tar_unit_dir <&3; do rmdir "$tar_unit_dir" 2>/dev/null || :; done 3<"$TAR_JOURNAL/unit-dirs"
}

tar_disable_links() {
  [ -d /etc/systemd/system ] || return 0
  find /etc/systemd/system -type l 2>/dev/null >"$WORK_DIR/unit-links"
  while IFS= read -r tar_disable_link <&4; do
    tar_disable_target=$(readlink "$tar_disable_link")
    [ "${tar_disable_target##*/}" = "${2##*/}" ] || continue
    case $tar_disable_target in
      /usr/lib/systemd/system/* | /lib/systemd/system/* | /etc/systemd/system/* | ../* | "${2##*/}")
        # Known before the link goes: a next run, which does not see the link, still removes the folder.
        printf '%s\n' "${tar_disable_link%/*}" >>"$TAR_JOURNAL/unit-dirs" || return
        rm -f "$tar_disable_link"
        log "link $tar_disable_link removed"
        ;;
    esac
  done 4<"$WORK_DIR/unit-links"
}

tar_step_unpack() {
  rm -rf "$TAR_HOME/pkg" || return
  rmdir "$TAR_HOME" 2>/dev/null || [ ! -d "$TAR_HOME" ] || say "$TAR_HOME stays: it has files that no package brought"
}
