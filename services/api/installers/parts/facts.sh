# shellcheck shell=sh
# What this node is. Raw facts go to the head node as they are; the names that the scripts themselves need
# (NODE_ARCH, NODE_OS) come from the same table as the head node's (canonical_arch, canonical_os: made from it).
#
# Provides
#   find_arch      NODE_UNAME, NODE_BITS (of the programs, not of the kernel), NODE_ARCH (x86_64, aarch64, …, unknown)
#   find_os        NODE_OS (rhel, debian, cumulus, sonic, suse, unknown) and where it stood, NODE_OS_WHY
#   find_pkg       NODE_PKG (rpm, deb, unknown): the system that this node's programs came with, and that works;
#                  NODE_RPM and NODE_DPKG: works, empty, broken, absent; RPM, DPKG, DPKG_QUERY: their paths, or ''
#   find_facts     all of them, NODE_NAME too
#   form_facts     writes them to FORM_FILE as fields of a form
#   os_release KEY a value of os-release, without its quotes
# FACTS_ROOT, for tests: where etc, usr and proc are looked for.

FACTS_ROOT=
NODE_UNAME=
NODE_BITS=
NODE_ARCH=unknown
NODE_OS=unknown
NODE_OS_WHY=
NODE_PKG=unknown
NODE_RPM=absent
NODE_DPKG=absent
RPM=
DPKG=
DPKG_QUERY=
NODE_NAME=

find_facts() {
  find_arch
  find_os
  find_pkg
  NODE_NAME=$(uname -n 2>/dev/null)
  case $NODE_NAME in
    '' | localhost* | '(none)') NODE_NAME=$(sed -n '1s/[[:space:]]//gp; q' "$FACTS_ROOT/etc/hostname" 2>/dev/null) ;;
  esac
  : "${NODE_NAME:=unknown}"
}

find_arch() {
  NODE_UNAME=$(uname -m 2>/dev/null)
  NODE_BITS=$(elf_bits "$FACTS_ROOT/proc/self/exe") || NODE_BITS=$(elf_bits "$FACTS_ROOT/bin/sh") || NODE_BITS=
  case $NODE_BITS:$NODE_UNAME in
    32:x86_64 | 32:amd64) NODE_ARCH=i686 ;; # 32-bit programs on a 64-bit kernel: the packages must be 32-bit
    32:aarch64 | 32:arm64 | 32:armv8*) NODE_ARCH=armv7hl ;;
    *) NODE_ARCH=$(canonical_arch "$NODE_UNAME") ;;
  esac
}

# The class byte of an ELF file; no NUL among the five bytes.
elf_bits() {
  case $(dd if="$1" bs=5 count=1 2>/dev/null | od -An -tx1 2>/dev/null | tr -d ' \n') in
    7f454c4601) echo 32 ;;
    7f454c4602) echo 64 ;;
    *) return 1 ;;
  esac
}

find_os() {
  # SONiC and Cumulus Linux keep much of Debian's: their own marks first.
  if [ -f "$FACTS_ROOT/etc/sonic/sonic_version.yml" ]; then
    found_os sonic /etc/sonic/sonic_version.yml
    return
  fi
  if grep -qi '^DISTRIB_ID=.*cumulus' "$FACTS_ROOT/etc/lsb-release" 2>/dev/null ||
    [ -f "$FACTS_ROOT/etc/cumulus/etc.replace/os-release" ]; then
    found_os cumulus 'lsb-release or /etc/cumulus'
    return
  fi
  found_os "$(canonical_os "$(os_release ID)")" 'os-release ID' && return
  # What the system is built from says more than what it is said to be like.
  case $(os_release PLATFORM_ID) in
    platform:el[0-9]* | platform:f[0-9]*) found_os rhel 'os-release PLATFORM_ID' && return ;;
  esac
  if [ -n "$(os_release UBUNTU_CODENAME)" ]; then found_os debian 'os-release UBUNTU_CODENAME' && return; fi
  set -f
  # shellcheck disable=SC2046 # a list of words
  set -- $(os_release ID_LIKE)
  set +f
  for find_os_like; do found_os "$(canonical_os "$find_os_like")" 'os-release ID_LIKE' && return; done
  for find_os_file in redhat-release centos-release rocky-release almalinux-release oracle-release fedora-release \
    system-release; do
    [ ! -f "$FACTS_ROOT/etc/$find_os_file" ] || { found_os rhel "/etc/$find_os_file" && return; }
  done
  [ ! -f "$FACTS_ROOT/etc/SuSE-release" ] || { found_os suse /etc/SuSE-release && return; }
  [ ! -f "$FACTS_ROOT/etc/debian_version" ] || { found_os debian /etc/debian_version && return; }
  found_os unknown
}

found_os() {
  NODE_OS=$1 NODE_OS_WHY=${2:-}
  [ "$1" != unknown ]
}

# Never sourced: it may hold anything.
os_release() {
  for os_release_file in "$FACTS_ROOT/etc/os-release" "$FACTS_ROOT/usr/lib/os-release"; do
    [ -f "$os_release_file" ] || continue
    # Printable characters only: no carriage return, no byte order mark.
    LC_ALL=C tr -cd ' -~\n' <"$os_release_file" | sed -n "s/^ *$1=//p" |
      sed -n "\$s/^\\([\"']\\{0,1\\}\\)\\([^\"']\\{0,120\\}\\).*/\\2/p"
    return 0
  done
}

find_pkg() {
  RPM=$(program rpm) DPKG=$(program dpkg) DPKG_QUERY=$(program dpkg-query)
  NODE_RPM=$(rpm_state) NODE_DPKG=$(dpkg_state)
  case $NODE_RPM:$NODE_DPKG in
    works:works)
      # Both in use: the one that brought the shell.
      if "$RPM" -qf /bin/sh >/dev/null 2>&1 || "$RPM" -q --whatprovides /bin/sh >/dev/null 2>&1; then
        NODE_PKG=rpm
      else
        NODE_PKG=deb
      fi
      case $NODE_OS in debian | cumulus | sonic) NODE_PKG=deb ;; rhel | suse) NODE_PKG=rpm ;; esac
      ;;
    works:*) NODE_PKG=rpm ;;
    *:works) NODE_PKG=deb ;;
    *) NODE_PKG=unknown ;;
  esac
}

# rpm on Debian is a tool with an empty database; a node's own rpm knows what it installed.
rpm_state() {
  if [ -z "$RPM" ]; then
    echo absent
  elif ! "$RPM" --version >/dev/null 2>&1; then
    echo broken
  elif ! rpm_state_all=$("$RPM" -qa --qf x 2>/dev/null); then
    echo broken
  elif [ -n "$rpm_state_all" ]; then
    echo works
  else
    echo empty
  fi
}

dpkg_state() {
  if [ -z "$DPKG" ] || [ -z "$DPKG_QUERY" ]; then
    echo absent
  # busybox has a dpkg too; a system that lives by it is none that a DEB can rely on.
  elif ! "$DPKG" --version 2>/dev/null | grep -q Debian; then
    echo broken
  elif [ -s /var/lib/dpkg/status ]; then
    if "$DPKG_QUERY" -W dpkg >/dev/null 2>&1; then echo works; else echo broken; fi
  else
    echo empty
  fi
}

form_facts() {
  form_field arch "$NODE_ARCH"
  form_field os "$NODE_OS"
  form_field pkg "$NODE_PKG"
  form_field node "$NODE_NAME"
  form_field uname_m "$NODE_UNAME"
  form_field bits "$NODE_BITS"
  form_field kernel "$(uname -sr 2>/dev/null)"
  form_field os_found_in "$NODE_OS_WHY"
  for form_facts_key in ID ID_LIKE VERSION_ID PLATFORM_ID UBUNTU_CODENAME PRETTY_NAME; do
    form_field "os_release_$form_facts_key" "$(os_release "$form_facts_key")"
  done
  form_field sonic "$(sed -n "s/^build_version: *['\"]\{0,1\}\([^'\"]\{1,80\}\).*/\1/p" \
    "$FACTS_ROOT/etc/sonic/sonic_version.yml" 2>/dev/null | sed -n 1p)"
  form_field rpm "$NODE_RPM"
  form_field dpkg "$NODE_DPKG"
  form_facts_tools=
  for form_facts_tool in dnf yum zypper apt-get systemctl tar gzip zstd curl wget busybox python3 perl bash; do
    if have "$form_facts_tool"; then form_facts_tools="$form_facts_tools $form_facts_tool"; fi
  done
  form_field tools "${form_facts_tools# }"
}
