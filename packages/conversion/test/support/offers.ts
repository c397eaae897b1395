import { type CatalogEntry, keyOf, type PackageType } from '../../src/catalog/entry.ts'
import { makePlan, type PlannedPackages } from '../../src/plan/make-plan.ts'
import type { PackageRelations } from '../../src/plan/package-relations.ts'
import { pathHash } from '../../src/plan/path-hash.ts'
import { parseEvr } from '../../src/plan/relation.ts'
import { Universe } from '../../src/plan/universe.ts'

/** `name-1.0-1.x86_64` (RPM) or `name_1.0-1_amd64` (DEB), and what it needs. */
export interface TestPackage {
  provides?: string[]
  /** `a >= 1`; for an RPM `pre:a` makes it a requirement of %pre. */
  requires?: string[]
  conflicts?: string[]
  obsoletes?: string[]
  after?: string[]
  files?: string[]
  multiArch?: string
  type?: PackageType
}

export type TestPackages = Record<string, TestPackage>

export function planOf(
  type: PackageType,
  packages: TestPackages,
  wanted: readonly string[],
  arch = 'x86_64',
): PlannedPackages {
  const all = Object.entries(packages).map(([nevra, one]) => ({
    entry: entryFrom(type, nevra, one),
    relations: relationsFrom(type, one),
  }))
  const universe = new Universe(type, all)
  const found = wanted.map(name => {
    const entry = all.find(one => one.entry.nevra === name || one.entry.name === name)?.entry
    if (!entry) throw new Error(`the test has no ${name}`)
    return { name, key: keyOf(entry), isNameOnly: entry.name === name }
  })
  return makePlan(universe, found, arch)
}

/** NEVRAs in order of installation, `?` before those that only some nodes need. */
export function rowsOf({ packages }: PlannedPackages): string[] {
  return packages.map(({ entry, when }) => (when === undefined ? entry.nevra : `?${entry.nevra}`))
}

function entryFrom(
  type: PackageType,
  nevra: string,
  { type: own = type === 'tar' ? 'rpm' : type }: TestPackage,
): CatalogEntry {
  const pattern = type === 'deb' ? /^(.+)_(.+)_(.+)$/ : /^(.+)-((?:\d+:)?[^-]+-[^-]+)\.([^.]+)$/
  const match = pattern.exec(nevra)
  if (!match) throw new Error(`the test has a package without a version: ${nevra}`)
  const [, name, evr, arch] = match
  const identity = { dev: '1', ino: '1', size: 1, mtimeNs: '1', ctimeNs: '1' }
  const { epoch, version, release } = parseEvr(evr!)
  const fileName = `${nevra}.${own}`
  return {
    type: own,
    file: fileName,
    fileName,
    name: name!,
    epoch,
    version,
    release,
    arch: arch!,
    isSource: false,
    identity,
    nevra,
  }
}

function relationsFrom(type: PackageType, test: TestPackage): PackageRelations {
  const texts = (list: string[] = []) => (type === 'deb' ? list : list.map(tabbed))
  const hashes = Float64Array.from(test.files ?? [], pathHash)
  return {
    provides: texts(test.provides),
    requires: (test.requires ?? []).map(text =>
      text.startsWith('pre:') ? `3${texts([text.slice(4)])[0]}` : `1${texts([text])[0]}`,
    ),
    conflicts: texts(test.conflicts),
    obsoletes: texts(test.obsoletes),
    after: test.after ?? [],
    files: Buffer.from(hashes.buffer).toString('base64'),
    ...(test.multiArch !== undefined && { multiArch: test.multiArch }),
  }
}

function tabbed(text: string): string {
  return text.startsWith('(') ? text : text.replace(/ (<=?|>=?|=) /, '\t$1\t')
}
