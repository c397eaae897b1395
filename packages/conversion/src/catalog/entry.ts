import type { StatIdentity } from '../identity.ts'

export const PACKAGE_TYPES = ['rpm', 'deb', 'tar'] as const
export type PackageType = (typeof PACKAGE_TYPES)[number]

/** One package file below CLIENTPKGS_DIR/<type>, as its own header names it (an admin's TAR: as its file name does). */
export interface CatalogEntry {
  type: PackageType
  /** Path below CLIENTPKGS_DIR/<type>, with `/` between the parts. */
  file: string
  fileName: string
  name: string
  epoch: number | undefined
  /** '' for a TAR whose file name has none. */
  version: string
  /** Debian's revision for DEBs; '' where there is none. */
  release: string
  /** As the package says: `x86_64`, `amd64`, `noarch`, `all`; `noarch` for a TAR whose file name has none. */
  arch: string
  /** Source packages answer to their exact file name only. */
  isSource: boolean
  identity: StatIdentity
  /** RPM `name-[epoch:]version-release.arch` (source: `.src`), DEB `name_[epoch:]version[-revision]_arch`, TAR as far as known. */
  nevra: string
  /** TARs only: `tar.gz`, `tar.zst`, `tar.xz`, `tar.bz2` or `tar`. */
  tarFormat?: string | undefined
}

/** `[epoch:]version[-release]`. */
export function evrText({ epoch, version, release }: Pick<CatalogEntry, 'epoch' | 'version' | 'release'>): string {
  return `${epoch === undefined ? '' : `${epoch}:`}${version}${release === '' ? '' : `-${release}`}`
}

/** Names one file of the catalog: `<type>/<file>`. */
export function keyOf({ type, file }: Pick<CatalogEntry, 'type' | 'file'>): string {
  return `${type}/${file}`
}
