import { archMatches, canonicalArch } from '../catalog/arch.ts'
import { type CatalogEntry, evrText, keyOf, type PackageType } from '../catalog/entry.ts'
import type { PlanQuestion } from '../catalog/messages.ts'
import type { ResolveOptions } from '../catalog/name-index.ts'
import type { PlannedPackages } from './make-plan.ts'
import type { Plan, PlanRequest, PlanRow } from './types.ts'

interface Names {
  resolve(type: PackageType, name: string, options?: ResolveOptions): CatalogEntry | undefined
}

const TAR_SUFFIX = /\.(tar\.(gz|zst|xz|bz2)|tgz|tar)$/

/** Looks the names up, has the packages worked out, and gives each the name it is downloaded by. */
export async function planFromCatalog(
  names: Names,
  request: PlanRequest,
  workOut: (question: PlanQuestion) => Promise<PlannedPackages>,
): Promise<Plan> {
  const asked = [...new Set(request.packages.map(name => name.trim()).filter(name => name !== ''))]
  const found = asked.map(name => ({ name, entry: find(names, request, name) }))
  const first = found.find(({ entry }) => entry && canonicalArch(entry.arch) !== 'noarch')?.entry
  const arch = canonicalArch(request.arch ?? request.defaultArch ?? first?.arch ?? '')
  // Without a word on the machine, the first package decides for the others.
  const offered = found.filter(
    ({ entry }) => entry && (request.arch || arch === '' || archMatches(entry.arch, arch) || isCompatible(entry, arch)),
  )
  const wanted = offered.map(({ name, entry }) => ({ name, key: keyOf(entry!), isNameOnly: entry!.name === name }))
  const { packages, unresolved } = await workOut({ type: request.type, arch, wanted })
  return {
    type: request.type,
    arch,
    rows: packages.map(({ entry, requested, when }) => row(names, request.type, entry, requested, when)),
    missing: found.filter(one => !offered.includes(one)).map(({ name }) => name),
    unresolved,
  }
}

/** A machine also runs what archRank() says; its own builds come first. */
function find(names: Names, { type, arch, defaultArch }: PlanRequest, name: string): CatalogEntry | undefined {
  const options = { arch, defaultArch }
  const found = findBy(names, type, name, options)
  if (found || arch === undefined || canonicalArch(arch) !== 'x86_64') return found
  return findBy(names, type, name, { arch: 'i686' })
}

function findBy(names: Names, type: PackageType, name: string, options: ResolveOptions): CatalogEntry | undefined {
  const found = names.resolve(type, name, options)
  // Source packages are to be had by their file name, not to be installed.
  if (type !== 'tar') return found?.isSource ? undefined : found
  const rpm = names.resolve('rpm', name.replace(TAR_SUFFIX, ''), options)
  return found ?? (rpm?.isSource ? undefined : rpm)
}

function isCompatible(entry: CatalogEntry, arch: string): boolean {
  return arch === 'x86_64' && canonicalArch(entry.arch) === 'i686'
}

function row(
  names: Names,
  type: PackageType,
  entry: CatalogEntry,
  requested: boolean,
  when: string | undefined,
): PlanRow {
  const isToBeMade = type === 'tar' && entry.type === 'rpm'
  const size = isToBeMade ? undefined : entry.identity.size
  const file = isToBeMade ? tarNameOf(names, entry) : fileNameOf(names, entry)
  return { type, name: entry.name, version: evrText(entry), arch: entry.arch, file, size, requested, when, entry }
}

/** The file name, unless another file in another folder goes by it first. */
function fileNameOf(names: Names, entry: CatalogEntry): string {
  const key = keyOf(entry)
  const standsFor = (name: string) =>
    [{}, { arch: entry.arch }].every(options => {
      const found = names.resolve(entry.type, name, options)
      return found !== undefined && keyOf(found) === key
    })
  return [entry.fileName, entry.nevra].find(standsFor) ?? entry.fileName
}

/** An RPM's TAR goes by the RPM's version, the epoch only where it is needed. */
function tarNameOf(names: Names, entry: CatalogEntry): string {
  const plain = `${entry.name}-${entry.version}-${entry.release}.${entry.arch}`
  const found = names.resolve('rpm', plain, { arch: entry.arch })
  return `${found && keyOf(found) === keyOf(entry) ? plain : entry.nevra}.tar.gz`
}
