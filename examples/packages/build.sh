#!/usr/bin/env bash
# Builds examples/clientpkgs from the trees and specs beside this script, the same bytes every time.
# usage: build.sh [FOLDER]      (default: ../clientpkgs)     needs: rpmbuild and dpkg-deb (apt-get install rpm dpkg)
# The committed packages were built on Debian 12 (rpm 4.18); another rpm writes other bytes of the same content.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../clientpkgs}
# All times in the packages: 2026-01-01T00:00:00Z.
export SOURCE_DATE_EPOCH=1767225600 LC_ALL=C TZ=UTC

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out/rpm" "$out/deb" "$out/tar" "$out/installers"

# The tree as packages have it, whatever umask or clock the checkout was made with.
tree() {
  local name=$1
  cp -a "$here/$name/root" "$work/$name"
  find "$work/$name" -type d -exec chmod 755 {} +
  find "$work/$name" -type f -perm -u+x -exec chmod 755 {} +
  find "$work/$name" -type f ! -perm -u+x -exec chmod 644 {} +
  find "$work/$name" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

rpm_package() {
  local name=$1 arch=$2 payload=$3
  rpmbuild -bb --quiet --target "$arch" \
    --define "_topdir $work/rpmbuild" --define "_rpmdir $work/rpms" --define "tree $work/$name" \
    --define "_binary_payload $payload" --define '_source_filedigest_algorithm 8' --define '_binary_filedigest_algorithm 8' \
    --define '_buildhost localhost' --define 'use_source_date_epoch_as_buildtime 1' \
    --define 'clamp_mtime_to_source_date_epoch 1' --define 'source_date_epoch_from_changelog 0' \
    --define '__os_install_post %{nil}' --define 'debug_package %{nil}' --define '_build_id_links none' \
    --define "_dbpath $work/rpmdb" "$here/$name/$name.spec"
  install -m 644 "$work/rpms/$arch/$name"-*."$arch.rpm" "$out/rpm/"
}

deb_package() {
  local name=$1 arch=$2 file
  local root=$work/$name-$arch
  cp -a "$work/$name" "$root"
  if [ "$name" = clusterware-node ]; then
    mkdir -p "$root/usr/bin"
    ln -s ../../opt/scyld/clusterware-node/bin/cw-status-updater "$root/usr/bin/cw-status-updater"
    ln -s bin/cw-status-updater "$root/opt/scyld/clusterware-node/start"
  fi
  mkdir "$root/DEBIAN"
  for file in "$here/$name/debian"/*; do
    install -m "$([ -x "$file" ] && echo 755 || echo 644)" "$file" "$root/DEBIAN/"
  done
  sed -i "s/@ARCH@/$arch/" "$root/DEBIAN/control"
  find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --build "$root" "$out/deb/${name}_1.0.0-1_$arch.deb" >/dev/null
}

tree clusterware-node
tree clusterware-tools
rpm_package clusterware-node x86_64 w19.zstdio
rpm_package clusterware-node aarch64 w19.zstdio
rpm_package clusterware-tools noarch w9.gzdio
deb_package clusterware-node amd64
deb_package clusterware-node arm64
deb_package clusterware-tools all
