import type { Catalog, PackageType } from '../ports.ts'

export interface Wanted {
  packages: readonly string[]
  /** '' where nobody knows the node's machine. */
  arch: string
  defaultArch: string
}

/** Whether every package could be delivered as this type: a TAR is also what an RPM can become. */
export function isInStock(catalog: Catalog, type: PackageType, { packages, arch, defaultArch }: Wanted): boolean {
  const sources: readonly PackageType[] = type === 'tar' ? ['tar', 'rpm'] : [type]
  const options = arch === '' ? { defaultArch } : { arch, defaultArch }
  return packages.every(name => sources.some(source => catalog.resolve(source, name, options) !== undefined))
}
