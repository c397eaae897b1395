import { compareEvr } from 'rpm-format'
import { type CatalogEntry, evrText, type PackageType } from './catalog/entry.ts'
import { debianVersionCompare } from './deb/version.ts'

/** The order of two versions by the rules of their kind: Debian's for DEBs, rpm's for all others. */
export function compareVersions(
  type: PackageType,
  a: Pick<CatalogEntry, 'epoch' | 'version' | 'release'>,
  b: Pick<CatalogEntry, 'epoch' | 'version' | 'release'>,
): -1 | 0 | 1 {
  return type === 'deb' ? debianVersionCompare(evrText(a), evrText(b)) : compareEvr(a, b)
}
