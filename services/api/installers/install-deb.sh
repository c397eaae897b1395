#!/bin/sh
# parts: exit-codes say guard arguments checksum http tables facts plan packages services report
# Installs DEBs from the head node, with what they need, by apt-get, else by dpkg alone.

POLICY=/usr/sbin/policy-rc.d
POLICY_MARK='# Made by the diskful installer: '
LOCKED='Could not get lock|Unable to acquire|Unable to lock|locked by another process|frontend lock'

main() {
  begin_packages deb "$@"
  need_dpkg
  say "installing $PACKAGES on $NODE_NAME ($NODE_ARCH, $NODE_OS) by $(deb_tool)"
  fetch_plan deb
  each_unresolved say_left
  if [ "$DRY_RUN" = yes ]; then
    collect_rows
    finish
  fi
  hold_services
  hold_by_policy
  repair_dpkg
  collect_rows
  if [ -s "$WANTED" ]; then
    remember_pending
    [ ! -s "$REPAIR_LIST" ] || cat "$REPAIR_LIST" >>"$FILES_LIST"
    install_files
    need_rows
    forget_pending
  fi
  finish_packages
}

need_dpkg() {
  case $NODE_DPKG in
    works | empty) ;;
    *) die "$E_UNSUITABLE" \
      "dpkg does not work here ($NODE_DPKG): take the installer for pkg=tar, or the pre-installer, which finds out" ;;
  esac
  DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1
  UCF_FORCE_CONFFOLD=1 APT_LISTCHANGES_FRONTEND=none
  export DEBIAN_FRONTEND DEBCONF_NONINTERACTIVE_SEEN NEEDRESTART_MODE NEEDRESTART_SUSPEND UCF_FORCE_CONFFOLD \
    APT_LISTCHANGES_FRONTEND
}

deb_tool() {
  if have apt-get; then echo apt-get; else echo dpkg; fi
}

# invoke-rc.d and deb-systemd-invoke ask this file. Ours says no only while this process lives, so that a node on which
# the installer was killed starts its services as ever; the next run removes it. Somebody else's stays as it is.
hold_by_policy() {
  if [ -e "$POLICY" ] || [ -L "$POLICY" ]; then
    if ! grep -q "^$POLICY_MARK" "$POLICY" 2>/dev/null; then
      log "$POLICY is there already and stays in force"
      return 0
    fi
    rm -f "$POLICY"
  fi
  at_exit release_policy
  mkdir -p "${POLICY%/*}"
  cat >"$POLICY.diskful" <<END
#!/bin/sh
${POLICY_MARK}no service starts while process $$ is at work.
[ "\$(sed 's/^.*) //' /proc/$$/stat 2>/dev/null | cut -d ' ' -f 20)" = '$(process_start "$$")' ] || exit 0
kill -0 $$ 2>/dev/null && exit 101
exit 0
END
  { chmod 755 "$POLICY.diskful" && mv -f "$POLICY.diskful" "$POLICY"; } ||
    warn "$POLICY cannot be made: services may start"
}

release_policy() {
  ! grep -q "^$POLICY_MARK" "$POLICY" 2>/dev/null || rm -f "$POLICY"
}

row_is_installed() {
  row_for=${ROW_FILE%.deb}
  row_for=$(canonical_arch "${row_for##*_}")
  # shellcheck disable=SC2016 # dpkg's variables
  "$DPKG_QUERY" -W -f '${Status} ${Architecture} ${Version}\n' "$ROW_NAME" >"$WORK_DIR/installed" 2>/dev/null || return 1
  while read -r _ row_flag row_state row_arch row_version <&4; do
    [ "$row_flag $row_state" = 'ok installed' ] || continue
    # A package may be there for two machines.
    case $(canonical_arch "$row_arch") in
      "$row_for" | unknown) ;;
      *) [ "$row_for" = unknown ] || continue ;;
    esac
    ! "$DPKG" --compare-versions "$row_version" ge "$ROW_VERSION" || return 0
  done 4<"$WORK_DIR/installed"
  return 1
}

row_scriptlets() {
  cat "/var/lib/dpkg/info/$ROW_NAME.postinst" "/var/lib/dpkg/info/$ROW_NAME:"*.postinst 2>/dev/null
}

# What a cut run left half-way, ours or another's.
repair_dpkg() {
  [ -n "$("$DPKG" --audit 2>/dev/null)" ] || [ -n "$(ls /var/lib/dpkg/updates 2>/dev/null)" ] || return 0
  say 'packages were left half-installed: dpkg --configure -a'
  patiently "$DPKG" --force-confdef --force-confold --configure -a ||
    log 'not everything could be configured; installing what is wanted may repair it'
}

install_files() {
  say "installing $(wc -l <"$FILES_LIST" | tr -d ' ') package(s) by $(deb_tool)"
  if apt_takes_files; then
    with_list "$FILES_LIST" apt_get install && return 0
    if wants_more; then
      say "more is needed than the head node has: asking this node's repositories"
      apt_get update || log 'apt-get update failed; going on with the lists there are'
      with_list "$FILES_LIST" apt_get install && return 0
    fi
  else
    install_by_dpkg && return 0
  fi
  install_failed
}

# apt 1.1 and later install files.
apt_takes_files() {
  have apt-get || return 1
  apt_version=$(apt-get --version 2>/dev/null | sed -n '1s/^apt \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
  case $apt_version in
    '0 '* | '1 0' | '') return 1 ;;
  esac
}

apt_get() {
  patiently apt-get -y -q --no-remove --no-install-recommends -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 -o "DPkg::Lock::Timeout=$LOCK_WAIT" -o APT::Sandbox::User=root \
    -o Acquire::Retries=1 -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15 "$@"
}

wants_more() {
  grep -Eq 'unmet dependencies|Unable to locate|Unable to fetch|Failed to fetch|not installable|no installation candidate' "$LAST_OUTPUT"
}

# Without apt: all at once, and where a Pre-Depends does not allow that, one after the other in the plan's order.
install_by_dpkg() {
  with_list "$FILES_LIST" patiently "$DPKG" --force-confdef --force-confold -i && return 0
  install_by_dpkg_said=$WORK_DIR/dpkg-said
  : >"$install_by_dpkg_said"
  while IFS= read -r install_by_dpkg_file <&5; do
    patiently "$DPKG" --force-confdef --force-confold -i "$install_by_dpkg_file" && continue
    log "$install_by_dpkg_file has to wait"
    cat "$LAST_OUTPUT" >>"$install_by_dpkg_said"
  done 5<"$FILES_LIST"
  if patiently "$DPKG" --force-confdef --force-confold --configure -a && each_row row_is_installed; then return 0; fi
  cat "$LAST_OUTPUT" >>"$install_by_dpkg_said"
  if have apt-get; then
    wants_more_than_files && apt_get -f install && return 0
    cat "$LAST_OUTPUT" >>"$install_by_dpkg_said"
  fi
  # The last command may have had nothing to complain of.
  LAST_OUTPUT=$install_by_dpkg_said
  return 1
}

wants_more_than_files() {
  say "more is needed than the head node has: asking this node's repositories"
  apt_get update || log 'apt-get update failed; going on with the lists there are'
}

install_failed() {
  show_last_output
  install_failed_why=$(told_by 'trying to overwrite' '[Nn]o space' 'enough free space' 'Read-only file' 'Depends:' 'depends on' '^dpkg: error' '^E: ')
  case $(cat "$LAST_OUTPUT") in
    *'o space left'* | *'enough free space'* | *'Read-only file system'*) die "$E_NO_SPACE" "$(deb_tool): $install_failed_why" ;;
    *'trying to overwrite'*) die "$E_CONFLICT" "$(deb_tool): $install_failed_why" ;;
    *'unmet dependencies'* | *'dependency problems'*) die "$E_DEPENDENCIES" "$(deb_tool): $install_failed_why" ;;
  esac
  die "$E_PACKAGE_TOOL" "$(deb_tool) failed: $install_failed_why"
}

main "$@"
