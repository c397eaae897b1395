#!/bin/sh
# parts: exit-codes say guard arguments checksum http tables facts plan packages services report
# Installs RPMs from the head node, with what they need, by dnf, yum or zypper, else by rpm alone.

RPM_TOOL=
LOCKED="can't create transaction lock|System management is locked|Another app is currently holding"

main() {
  begin_packages rpm "$@"
  need_rpm
  say "installing $PACKAGES on $NODE_NAME ($NODE_ARCH, $NODE_OS) by $RPM_TOOL"
  fetch_plan rpm
  each_unresolved say_left
  collect_rows
  [ "$DRY_RUN" = no ] || finish
  hold_services
  if [ -s "$WANTED" ]; then
    remember_pending
    repair_later=no
    # What a half-done upgrade left may need the other half first.
    repair_rows || repair_later=yes
    [ ! -s "$FILES_LIST" ] || install_files
    if [ "$repair_later" = yes ] && ! repair_rows; then
      warn "what a cut run left cannot be repaired: $(told_by 'is needed by' 'conflicts with' '^error: *[^ ]')"
    fi
    need_rows
    forget_pending
  fi
  finish_packages
}

need_rpm() {
  case $NODE_RPM in
    works | empty) ;;
    *)
      [ "$DRY_RUN" = yes ] || [ -z "$RPM" ] || repair_database
      "$RPM" -qa >/dev/null 2>&1 || die "$E_UNSUITABLE" \
        "rpm does not work here ($NODE_RPM): take the installer for pkg=tar, or the pre-installer, which finds out"
      ;;
  esac
  for RPM_TOOL in dnf dnf5 yum zypper rpm; do
    if [ "$RPM_TOOL" = rpm ] || "$RPM_TOOL" --version >/dev/null 2>&1; then break; fi
  done
}

# What a node that lost its power can leave.
repair_database() {
  say "rpm's database cannot be read: rebuilding it"
  rm -f /var/lib/rpm/__db.*
  run_logged "$RPM" --rebuilddb || show_last_output
}

row_is_installed() {
  row_is_for
  "$RPM" -q --qf '%|EPOCH?{%{EPOCH}}:{0}|:%{VERSION}-%{RELEASE} %{ARCH}\n' "$ROW_NAME" >"$WORK_DIR/installed" 2>/dev/null ||
    return 1
  while read -r row_evr row_arch <&4; do
    case $(canonical_arch "$row_arch") in
      "$ROW_FOR") ;;
      *) [ "$row_arch" = noarch ] || [ "$ROW_FOR" = unknown ] || continue ;;
    esac
    [ "$(compare_evr "$row_evr" "$ROW_VERSION")" = -1 ] || return 0
  done 4<"$WORK_DIR/installed"
  return 1
}

# The machine that the row's file is for, by its name: an x86_64 node may want an i686 package as well, or only that.
row_is_for() {
  ROW_FOR=${ROW_FILE%.rpm}
  ROW_FOR=$(canonical_arch "${ROW_FOR##*.}")
  [ "$ROW_FOR" != unknown ] || ROW_FOR=$NODE_ARCH
}

# -1, 0 or 1, as rpm itself orders versions.
compare_evr() {
  split_evr "$1"
  compare_epoch=$EVR_EPOCH compare_version=$EVR_VERSION compare_release=$EVR_RELEASE
  split_evr "$2"
  if [ "$compare_epoch" -ne "$EVR_EPOCH" ]; then
    if [ "$compare_epoch" -lt "$EVR_EPOCH" ]; then echo -1; else echo 1; fi
    return
  fi
  compare_result=$(compare_by_rpm "$compare_version" "$EVR_VERSION")
  [ "$compare_result" != 0 ] || [ -z "$EVR_RELEASE" ] || compare_result=$(compare_by_rpm "$compare_release" "$EVR_RELEASE")
  echo "$compare_result"
}

split_evr() {
  EVR_EPOCH=0 EVR_VERSION=${1#*:} EVR_RELEASE=
  case $1 in *:*) EVR_EPOCH=${1%%:*} ;; esac
  case $EVR_EPOCH in '' | *[!0-9]*) EVR_EPOCH=0 ;; esac
  case $EVR_VERSION in *-*) EVR_RELEASE=${EVR_VERSION##*-} EVR_VERSION=${EVR_VERSION%-*} ;; esac
}

compare_by_rpm() {
  if [ "$1" = "$2" ]; then
    echo 0
    return
  fi
  case $1$2 in
    *[!A-Za-z0-9._+~^-]*) ;;
    *)
      case $("$RPM" --eval "%{lua:print(rpm.vercmp('$1', '$2'))}" 2>/dev/null) in
        -1) echo -1 && return ;;
        1) echo 1 && return ;;
        0) echo 0 && return ;;
      esac
      ;;
  esac
  # Without an answer: to be installed; the package tool refuses what is older.
  echo -1
}

row_scriptlets() {
  "$RPM" -q --scripts "$ROW_NAME" 2>/dev/null
}

# Packages that a cut run left in the database, with or without their scriptlets run, or beside their older version.
repair_rows() {
  [ -s "$REPAIR_LIST" ] || return 0
  with_list "$REPAIR_LIST" patiently "$RPM" -U --replacepkgs || return
  warn_of_scriptlets
}

install_files() {
  say "installing $(wc -l <"$FILES_LIST" | tr -d ' ') package(s) by $RPM_TOOL"
  if [ "$RPM_TOOL" != rpm ]; then
    # All that is needed may be here: then no repository is asked, and none can be in the way.
    if with_list "$FILES_LIST" patiently "$RPM" -U --test && install_by_tool offline; then return 0; fi
    say "more is needed than the head node has: asking this node's repositories"
    install_by_tool online && return 0
  else
    with_list "$FILES_LIST" patiently "$RPM" -U && warn_of_scriptlets && return 0
  fi
  install_failed
}

install_by_tool() {
  case $RPM_TOOL:$1 in
    dnf*:offline) set -- -y --setopt=install_weak_deps=False '--disablerepo=*' install ;;
    dnf*:online) set -- -y --setopt=install_weak_deps=False '--setopt=*.skip_if_unavailable=1' --setopt=retries=2 --setopt=timeout=15 install ;;
    yum:offline) set -- -y '--disablerepo=*' install ;;
    yum:online) set -- -y '--setopt=*.skip_if_unavailable=1' --setopt=retries=2 --setopt=timeout=15 install ;;
    zypper:offline) set -- --non-interactive --no-refresh --no-remote install --no-recommends ;;
    zypper:online) set -- --non-interactive --no-refresh install --no-recommends ;;
  esac
  if [ "$RPM_TOOL" = zypper ] && zypper help install 2>/dev/null | grep -q allow-unsigned-rpm; then
    set -- "$@" --allow-unsigned-rpm
  fi
  with_list "$FILES_LIST" patiently "$RPM_TOOL" "$@"
  install_by_tool_status=$?
  # zypper: these are news (a reboot is needed, a scriptlet failed, a repository was left out), the work is done.
  case $RPM_TOOL:$install_by_tool_status in
    *:0 | zypper:102 | zypper:103 | zypper:106 | zypper:107) warn_of_scriptlets ;;
    *) return 1 ;;
  esac
}

# rpm goes on after a failed %post; somebody should know.
warn_of_scriptlets() {
  grep -E 'scriptlet failed|Error in [A-Z]+ scriptlet' "$LAST_OUTPUT" >"$WORK_DIR/scriptlets" || return 0
  while IFS= read -r warn_of_scriptlets_line <&3; do
    warn "$(printf '%s' "$warn_of_scriptlets_line" | tr -d '\r' | cut -c 1-200)"
  done 3<"$WORK_DIR/scriptlets"
}

install_failed() {
  show_last_output
  install_failed_why=$(told_by 'nothing provides' 'is needed by' 'conflicts with' '[Nn]o space' 'more space' \
    'Read-only file' '^[Ee]rror: *[^ ]' 'scriptlet failed' '^[Ee]rror')
  case $(cat "$LAST_OUTPUT") in
    *'o space left'* | *'needs '*' more space'* | *'Read-only file system'*) die "$E_NO_SPACE" "$RPM_TOOL: $install_failed_why" ;;
    *'nothing provides'* | *'is needed by'* | *'Failed dependencies'* | *'equires: '* | *'conflicting requests'*)
      die "$E_DEPENDENCIES" "$RPM_TOOL: $install_failed_why"
      ;;
    *'conflicts with file'* | *'conflict between attempted installs'*) die "$E_CONFLICT" "$RPM_TOOL: $install_failed_why" ;;
  esac
  die "$E_PACKAGE_TOOL" "$RPM_TOOL failed: $install_failed_why"
}

main "$@"
