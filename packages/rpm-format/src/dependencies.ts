import type { ByteString } from './byte-string.ts'
import { RpmError } from './errors.ts'
import type { Header } from './header.ts'
import { limitsOf, type ReadOptions } from './limits.ts'

export type Operator = '' | '<' | '<=' | '=' | '>=' | '>'

export const dependencyKinds = [
  'provides',
  'requires',
  'conflicts',
  'obsoletes',
  'recommends',
  'suggests',
  'supplements',
  'enhances',
  'order',
] as const
export type DependencyKind = (typeof dependencyKinds)[number]

export interface Dependency {
  /** Rich dependencies begin with `(`. */
  readonly name: ByteString
  readonly operator: Operator
  /** `[epoch:]version[-release]`, '' without an operator. */
  readonly version: ByteString
  /** Bits of SenseFlag. */
  readonly flags: number
}

export const SenseFlag = {
  LESS: 1 << 1,
  GREATER: 1 << 2,
  EQUAL: 1 << 3,
  POSTTRANS: 1 << 5,
  PREREQ: 1 << 6,
  PRETRANS: 1 << 7,
  INTERP: 1 << 8,
  PRE: 1 << 9,
  POST: 1 << 10,
  PREUN: 1 << 11,
  POSTUN: 1 << 12,
  VERIFY: 1 << 13,
  FIND_REQUIRES: 1 << 14,
  FIND_PROVIDES: 1 << 15,
  TRIGGERIN: 1 << 16,
  TRIGGERUN: 1 << 17,
  TRIGGERPOSTUN: 1 << 18,
  MISSINGOK: 1 << 19,
  PREUNTRANS: 1 << 20,
  POSTUNTRANS: 1 << 21,
  RPMLIB: 1 << 24,
  TRIGGERPREIN: 1 << 25,
  KEYRING: 1 << 26,
  CONFIG: 1 << 28,
  META: 1 << 29,
} as const

export function operatorOf(flags: number): Operator {
  const less = flags & SenseFlag.LESS ? '<' : ''
  const greater = flags & SenseFlag.GREATER ? '>' : ''
  const equal = flags & SenseFlag.EQUAL ? '=' : ''
  // rpm never writes `<>`; where both bits stand, the dependency matches anything but an equal version.
  return (less && greater ? '' : `${less}${greater}${equal}`) as Operator
}

/** Names, flags, versions. The weak ones of old SUSE packages (OLDSUGGESTS, OLDENHANCES) follow below. */
const tags: Record<DependencyKind, readonly [number, number, number]> = {
  provides: [1047, 1112, 1113],
  requires: [1049, 1048, 1050],
  conflicts: [1054, 1053, 1055],
  obsoletes: [1090, 1114, 1115],
  recommends: [5046, 5048, 5047],
  suggests: [5049, 5051, 5050],
  supplements: [5052, 5054, 5053],
  enhances: [5055, 5057, 5056],
  order: [5035, 5037, 5036],
}
const oldSuggests = [1156, 1158, 1157] as const
const oldEnhances = [1159, 1161, 1160] as const
const strong = 1 << 27

export function readDependencies(header: Header, kind: DependencyKind): Dependency[] {
  return [...eachDependency(header, kind)]
}

/** The same, one at a time. */
export function eachDependency(header: Header, kind: DependencyKind): Iterable<Dependency> {
  if (header.has(tags[kind][0])) return read(header, tags[kind])
  switch (kind) {
    case 'recommends':
      return read(header, oldSuggests, flags => (flags & strong) !== 0)
    case 'suggests':
      return read(header, oldSuggests, flags => (flags & strong) === 0)
    case 'supplements':
      return read(header, oldEnhances, flags => (flags & strong) !== 0)
    case 'enhances':
      return read(header, oldEnhances, flags => (flags & strong) === 0)
    default:
      return []
  }
}

/** Names, flags and versions of every kind must be as many as each other, and no more than the limit. */
export function checkDependencies(header: Header, options: ReadOptions): void {
  const { relations: limit } = limitsOf(options)
  for (const [name, flags, version] of [...Object.values(tags), oldSuggests, oldEnhances]) {
    const count = header.entry(name)?.count
    if (count === undefined) continue
    if (count > limit)
      throw new RpmError('header-too-large', `tag ${name} has ${count} dependencies; ${limit} are allowed`)
    const counts = [header.entry(flags)?.count, header.entry(version)?.count]
    // rpm 2 wrote bare names.
    if (counts.every(other => other === undefined) || counts.every(other => other === count)) continue
    throw new RpmError(
      'array-mismatch',
      `tag ${name} has ${count} names, ${counts[0] ?? 0} flags and ${counts[1] ?? 0} versions`,
    )
  }
}

function* read(
  header: Header,
  [nameTag, flagsTag, versionTag]: readonly [number, number, number],
  wanted: (flags: number) => boolean = () => true,
): Generator<Dependency, void, undefined> {
  const names = header.column(nameTag)
  const flags = header.numbers(flagsTag)
  const versions = header.column(versionTag)
  for (let k = 0; k < (names?.length ?? 0); k++) {
    const sense = flags?.[k] ?? 0
    if (!wanted(sense)) continue
    yield { name: names!.at(k), operator: operatorOf(sense), version: versions?.at(k) ?? '', flags: sense }
  }
}
