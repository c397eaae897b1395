import { type Dependency, displayText, type RpmPackage, SenseFlag } from 'rpm-format'
import type { DebPackage } from '../deb/read-deb.ts'
import { pathHash } from './path-hash.ts'

/**
 * What a package needs and offers, small enough to keep 20,000 of them. Relations are texts: `name`, or
 * `name\toperator\tversion` for RPMs, and as in the control file for DEBs, one group of alternatives each.
 */
export interface PackageRelations {
  provides: string[]
  /** Each begins with one digit, its Weight. */
  requires: string[]
  /** Conflicts; for DEBs Breaks as well. */
  conflicts: string[]
  obsoletes: string[]
  /** Names that are to be installed before, if they are installed at all. */
  after: string[]
  /** Base64 of one 8-byte hash for each path. */
  files: string
  /** DEB's Multi-Arch. */
  multiArch?: string
}

/** How much it matters that a requirement is installed before what requires it; decides where cycles are broken. */
export const Weight = { atRemoval: 0, ordinary: 1, postInstall: 2, preInstall: 3 } as const
export type Weight = (typeof Weight)[keyof typeof Weight]

export function rpmRelations(rpm: RpmPackage): PackageRelations {
  return {
    provides: rpm.dependencies('provides').map(relationText),
    requires: distinct(
      rpm
        .dependencies('requires')
        .filter(isRealRequirement)
        .map(dependency => `${weightOf(dependency.flags)}${relationText(dependency)}`),
    ),
    conflicts: rpm.dependencies('conflicts').map(relationText),
    obsoletes: rpm.dependencies('obsoletes').map(relationText),
    after: rpm.dependencies('order').map(({ name }) => displayText(name)),
    files: rpm.isSource ? '' : pathHashes(rpm.files),
  }
}

export function debRelations({ control }: DebPackage): PackageRelations {
  const groups = (field: string) => splitGroups(control.get(field))
  const multiArch = control.get('multi-arch')
  return {
    provides: groups('provides'),
    requires: distinct([
      ...groups('pre-depends').map(group => `${Weight.preInstall}${group}`),
      ...groups('depends').map(group => `${Weight.ordinary}${group}`),
    ]),
    conflicts: [...groups('conflicts'), ...groups('breaks')],
    obsoletes: [],
    after: [],
    files: '',
    ...(multiArch && { multiArch }),
  }
}

/** Features of rpm itself are no packages; MISSINGOK is a wish only. */
function isRealRequirement({ name, flags }: Dependency): boolean {
  return !name.startsWith('rpmlib(') && (flags & (SenseFlag.RPMLIB | SenseFlag.MISSINGOK)) === 0
}

function weightOf(flags: number): Weight {
  if (flags & SenseFlag.META) return Weight.atRemoval
  if (flags & (SenseFlag.PRE | SenseFlag.PRETRANS | SenseFlag.PREREQ)) return Weight.preInstall
  if (flags & (SenseFlag.POST | SenseFlag.INTERP | SenseFlag.POSTTRANS)) return Weight.postInstall
  const removal = SenseFlag.PREUN | SenseFlag.POSTUN | SenseFlag.PREUNTRANS | SenseFlag.POSTUNTRANS | SenseFlag.VERIFY
  return flags & removal ? Weight.atRemoval : Weight.ordinary
}

function relationText({ name, operator, version }: Dependency): string {
  const text = displayText(name)
  return operator === '' || version === '' ? text : `${text}\t${operator}\t${displayText(version)}`
}

/** rpm lists one name several times, once for each scriptlet: the weightiest is kept. */
function distinct(requires: string[]): string[] {
  const weights = new Map<string, number>()
  for (const text of requires) {
    const name = text.slice(1)
    weights.set(name, Math.max(weights.get(name) ?? 0, Number(text[0])))
  }
  return [...weights].map(([name, weight]) => `${weight}${name}`)
}

function splitGroups(field: string | undefined): string[] {
  return (field ?? '')
    .split(',')
    .map(group => group.trim().replace(/\s+/g, ' '))
    .filter(group => group !== '')
}

function pathHashes(files: RpmPackage['files']): string {
  const hashes = new Float64Array(files.length)
  let k = 0
  for (const path of files.paths()) hashes[k++] = pathHash(displayText(path))
  return Buffer.from(hashes.buffer).toString('base64')
}
