#!/usr/bin/env bash
# Builds the roots that installers are tried in, once: they are kept and never written to again (tests lay overlays
# over them). As root; needs debootstrap, rpmbuild, busybox-static and a Debian mirror.
# usage: build-root.sh FOLDER debian|rocky|busybox|busybox-arm64      prints the root's layers, for overlayfs' lowerdir
set -euo pipefail
folder=$1 name=$2
mkdir -p "$folder"
exec 8>"$folder/lock"
flock 8

# Everything that any test wants; a test removes what its node is not to have.
build_debian() {
  debootstrap --variant=minbase --include=systemd,curl,wget,python3,busybox-static,rpm,dnf,zypper,ca-certificates \
    bookworm "$1" >"$folder/debian.log" 2>&1 || { tail -20 "$folder/debian.log" >&2; return 1; }
  # A node without internet: nothing to ask.
  rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*
  rm -f "$1/usr/sbin/policy-rc.d"
}

# The Debian with RHEL's face: rpm's database knows what packages need, dpkg is gone.
build_rocky() {
  local base=$2 mount=$folder/rocky.mount
  mkdir -p "$1" "$folder/rocky.work" "$mount"
  mount -t overlay overlay -o "lowerdir=$base,upperdir=$1,workdir=$folder/rocky.work" "$mount"
  cat >"$mount/usr/lib/os-release" <<'END'
NAME="Rocky Linux"
VERSION="9.4 (Blue Onyx)"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.4"
PLATFORM_ID="platform:el9"
PRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"
END
  rm -f "$mount/etc/debian_version" "$mount"/usr/bin/{dpkg*,apt*} "$mount/etc/lsb-release"
  rm -rf "$mount/var/lib/dpkg"
  echo 'Rocky Linux release 9.4 (Blue Onyx)' >"$mount/etc/redhat-release"
  ln -sf bash "$mount/usr/bin/sh"
  # Debian's rpm keeps its database in a home folder, and wants to be told that it is meant.
  mkdir -p "$mount/etc/rpm"
  echo '%_dbpath /var/lib/rpm' >"$mount/etc/rpm/macros"
  mkdir "$mount/usr/libexec/debian"
  mv "$mount/usr/bin/rpm" "$mount/usr/libexec/debian/rpm"
  cat >"$mount/usr/bin/rpm" <<'END'
#!/bin/sh
case " $* " in
  *" -U "* | *" -i "* | *" -e "*) exec /usr/libexec/debian/rpm --force-debian "$@" ;;
esac
exec /usr/libexec/debian/rpm "$@"
END
  chmod 755 "$mount/usr/bin/rpm"
  local work
  work=$(mktemp -d)
  cat >"$work/base.spec" <<'END'
Name: system-base
Version: 9.4
Release: 1
Summary: Stands in for a RHEL userland
License: Apache-2.0
BuildArch: noarch
AutoReqProv: no
Provides: system-release, bash, coreutils, systemd, filesystem, shadow-utils, glibc
Provides: /bin/sh, /usr/bin/sh, /bin/bash, /usr/bin/bash, /usr/bin/env, /usr/bin/python3
%description
Stands in for a RHEL userland.
%files
END
  rpmbuild -bb --quiet --define "_topdir $work" --define "_dbpath $work/db" "$work/base.spec" >/dev/null 2>&1
  cp "$work"/RPMS/noarch/system-base-*.rpm "$mount/tmp/base.rpm"
  chroot "$mount" rpmdb --initdb
  chroot "$mount" rpm -U --nodeps /tmp/base.rpm
  rm -rf "$mount/tmp/base.rpm" "$work"
  umount "$mount"
}

build_busybox() {
  mkdir -p "$1"/{bin,dev,etc,proc,root,sys,tmp,usr/bin,usr/sbin,sbin,var/tmp,var/lib,run}
  chmod 1777 "$1/tmp" "$1/var/tmp"
  cp "$2" "$1/bin/busybox"
  busybox --list | grep -vxE 'busybox|dpkg|dpkg-deb|rpm|rpm2cpio' | while read -r applet; do
    ln -s busybox "$1/bin/$applet"
  done
  mknod -m 666 "$1/dev/null" c 1 3
  mknod -m 666 "$1/dev/zero" c 1 5
  mknod -m 666 "$1/dev/urandom" c 1 9
  echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
  echo 'root:x:0:' >"$1/etc/group"
  echo 'busybox-node' >"$1/etc/hostname"
}

# Debian's busybox for arm64, by an apt with folders of its own: the machine's knows nothing of it.
arm64_busybox() {
  local apt=$folder/apt-arm64
  mkdir -p "$apt"/{lists/partial,cache/archives/partial}
  cp /var/lib/dpkg/status "$apt/status"
  local options=(-q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "Dir::State::lists=$apt/lists"
    -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update >"$folder/arm64.log" 2>&1
  (cd "$apt" && apt-get "${options[@]}" download busybox-static >>"$folder/arm64.log" 2>&1)
  dpkg-deb --fsys-tarfile "$apt"/busybox-static_*.deb | tar -xO ./bin/busybox >"$apt/busybox" 2>/dev/null ||
    dpkg-deb --fsys-tarfile "$apt"/busybox-static_*.deb | tar -xO ./usr/bin/busybox >"$apt/busybox"
  chmod 755 "$apt/busybox"
}

# A changed recipe is another root.
once() {
  local root
  root=$folder/$1-$(declare -f "$2" | sha256sum | cut -c 1-8)
  if [ ! -d "$root" ]; then
    rm -rf "$root.new" "$folder/$1".work
    "${@:2:1}" "$root.new" "${@:3}"
    mv "$root.new" "$root"
  fi
  echo "$root"
}

case $name in
  debian) once debian build_debian ;;
  rocky)
    base=$(once debian build_debian)
    echo "$(once rocky build_rocky "$base"):$base"
    ;;
  busybox) once busybox build_busybox "$(command -v busybox)" ;;
  busybox-arm64)
    binary=$folder/apt-arm64/busybox
    [ -x "$binary" ] || arm64_busybox
    once busybox-arm64 build_busybox "$binary"
    ;;
  *) echo "no such root: $name" >&2 && exit 2 ;;
esac
