import type { PackageType } from '@diskful/conversion'

// What is served for what. The server chooses by this table, the scripts get canonical_arch and canonical_os made
// from it (tables-part.ts), and the tests go through it row by row.

export const UNKNOWN = 'unknown'

/** Machines as rpm and `uname -m` call them, with what else people and tools call them. */
export const ARCHES = {
  x86_64: ['amd64', 'x64', 'x86-64', 'x86_64_v2', 'x86_64_v3'],
  aarch64: ['arm64', 'armv8', 'armv8l'],
  i686: ['i386', 'i486', 'i586', 'x86', 'ia32'],
  armv7hl: ['armv7l', 'armhf', 'armv7'],
  ppc64le: ['ppc64el', 'powerpc64le'],
  s390x: [],
  riscv64: [],
} as const satisfies Record<string, readonly string[]>

export type Arch = keyof typeof ARCHES

interface OsRow {
  /** os-release IDs, and what people write. */
  aliases: readonly string[]
  /** The package system it lives by. */
  pkg: PackageType
}

/** Families of operating systems. SONiC and Cumulus Linux are Debians that need installers of their own at times. */
export const OSES = {
  rhel: {
    aliases: words(
      'redhat rocky rockylinux alma almalinux centos fedora ol oracle oraclelinux amzn amazon ' +
        'scientific eurolinux cloudlinux virtuozzo miraclelinux circle openeuler anolis alinux tencentos ' +
        'opencloudos photon mariner azurelinux xcp-ng rhcos',
    ),
    pkg: 'rpm',
  },
  debian: {
    aliases: words(
      'ubuntu raspbian linuxmint mint pop devuan kali proxmox pve elementary zorin neon deepin uos ' +
        'armbian pureos mx tails astra dgx',
    ),
    pkg: 'deb',
  },
  cumulus: { aliases: ['cumulus-linux', 'cumuluslinux', 'cumulus_linux'], pkg: 'deb' },
  sonic: { aliases: ['sonic-os', 'sonic_os'], pkg: 'deb' },
  suse: {
    aliases: [
      'sles',
      'sled',
      'sle',
      'opensuse',
      'opensuse-leap',
      'opensuse-tumbleweed',
      'sles_sap',
      'sle_hpc',
      'sle-micro',
    ],
    pkg: 'rpm',
  },
} as const satisfies Record<string, OsRow>

export type Os = keyof typeof OSES

export const PKGS = { rpm: [], deb: ['dpkg', 'apt'], tar: ['tgz', 'tar.gz'] } as const satisfies Record<
  PackageType,
  readonly string[]
>

export type InstallerName = 'preinstaller' | 'generic' | PackageType

/** What is served: its file, its log, what it calls itself. */
export const INSTALLERS = {
  preinstaller: { file: 'preinstaller.sh', log: 'CLUSTERWARE_PRESINSTALL_LOG', title: 'the pre-installer' },
  generic: {
    file: 'preinstaller.sh',
    log: 'CLUSTERWARE_INSTALL_LOG',
    title: 'the generic installer: it finds out what the node is, then runs the installer that fits',
  },
  rpm: { file: 'install-rpm.sh', log: 'CLUSTERWARE_INSTALL_LOG', title: 'the RPM installer' },
  deb: { file: 'install-deb.sh', log: 'CLUSTERWARE_INSTALL_LOG', title: 'the DEB installer' },
  tar: { file: 'tar.sh', log: 'CLUSTERWARE_INSTALL_LOG', title: 'the TAR installer' },
} as const satisfies Record<InstallerName, { file: string; log: string; title: string }>

function words(text: string): readonly string[] {
  return text.split(' ')
}

/** The table's word for what was written, or `undefined` where it has none. */
export function canonicalName<K extends string>(
  table: Record<K, readonly string[] | OsRow>,
  written: string,
): K | undefined {
  const word = written.trim().toLowerCase()
  const rows = Object.entries(table) as [K, readonly string[] | OsRow][]
  return rows.find(([name, row]) => name === word || aliasesOf(row).includes(word))?.[0]
}

export function aliasesOf(row: readonly string[] | OsRow): readonly string[] {
  return 'aliases' in row ? row.aliases : row
}
