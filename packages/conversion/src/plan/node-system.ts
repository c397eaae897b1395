import type { PackageType } from '../catalog/entry.ts'

/**
 * What every node has and no package may exchange on its own: its C library, shell, init and package manager. A
 * catalog may well hold them (a mirror of a whole distribution does), but of another release than the node's; pulling
 * them in would replace the node's system, or on a TAR node destroy it. They are installed only when asked for by name.
 */
const RPM_NAMES =
  /^(glibc(-common|-minimal-langpack|-langpack-.*|\(.*\))?|bash|sh|filesystem|setup|basesystem|coreutils(-common|-single)?|systemd(-units|-libs|-pam)?|rpm(-libs)?|shadow-utils|util-linux(-core)?|rtld\(.*\)|ld-linux.*|ld64?\.so.*|lib(c|m|dl|pthread|rt|resolv|util|nsl|anl|crypt|thread_db|BrokenLocale)\.so\.[0-9.]+(\(.*\))*)$/

const RPM_PATHS =
  /^(\/usr)?\/s?bin\/(sh|bash|env|ldconfig|systemctl|useradd|groupadd|usermod|groupmod|getent|install|chown|chmod|rm|cp|mv|ln|mkdir|cat)$/

const DEB_NAMES =
  /^(libc6(-.*)?|libc-bin|libcrypt1|libgcc-s1|gcc-\d+-base|dpkg|apt|bash|dash|coreutils|debianutils|base-files|base-passwd|debconf(-2\.0)?|cdebconf|init-system-helpers|systemd|perl-base|passwd|util-linux|mount|sysvinit-utils|lsb-base|libpam-.*|libsystemd0)$/

/** Whether a requirement of that name is left to the node even where the catalog has something for it. */
export function isNodeSystem(type: PackageType, name: string): boolean {
  return type === 'deb' ? DEB_NAMES.test(name) : RPM_NAMES.test(name) || RPM_PATHS.test(name)
}
