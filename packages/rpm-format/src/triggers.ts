import type { ByteString } from './byte-string.ts'
import { type Operator, operatorOf, SenseFlag } from './dependencies.ts'
import { RpmError } from './errors.ts'
import type { Header } from './header.ts'
import { limitsOf, type ReadOptions } from './limits.ts'
import { scriptFlags } from './scriptlets.ts'

export interface TriggerCondition {
  /** A package name, or a path prefix for file triggers. */
  readonly name: ByteString
  readonly operator: Operator
  readonly version: ByteString
}

export interface Trigger {
  readonly kind: 'package' | 'file' | 'transaction-file'
  readonly type: 'prein' | 'in' | 'un' | 'postun'
  readonly argv: readonly ByteString[]
  readonly body: ByteString | undefined
  readonly expand: boolean
  readonly qformat: boolean
  readonly critical: boolean
  readonly conditions: readonly TriggerCondition[]
  /** File triggers only; rpm's default is 1000000. */
  readonly priority: number | undefined
}

const kinds = [
  {
    kind: 'package',
    scripts: 1065,
    argv: 1092,
    flags: 5027,
    names: 1066,
    index: 1069,
    versions: 1067,
    sense: 1068,
    priorities: undefined,
  },
  {
    kind: 'file',
    scripts: 5066,
    argv: 5067,
    flags: 5068,
    names: 5069,
    index: 5070,
    versions: 5071,
    sense: 5072,
    priorities: 5084,
  },
  {
    kind: 'transaction-file',
    scripts: 5076,
    argv: 5077,
    flags: 5078,
    names: 5079,
    index: 5080,
    versions: 5081,
    sense: 5082,
    priorities: 5085,
  },
] as const

const defaultPriority = 1_000_000

/** Package triggers, file triggers and transaction file triggers, in the order of their scripts. */
export function readTriggers(header: Header, options: ReadOptions): Trigger[] {
  const { relations: limit } = limitsOf(options)
  return kinds.flatMap(tags => readKind(header, tags, limit))
}

function readKind(header: Header, tags: (typeof kinds)[number], limit: number): Trigger[] {
  const announced = header.entry(tags.names)?.count ?? 0
  if (announced > limit) {
    throw new RpmError(
      'header-too-large',
      `triggers of kind ${tags.kind} with ${announced} conditions; ${limit} are allowed`,
    )
  }
  const names = header.strings(tags.names)
  if (!names) return []
  const index = parallel(header.numbers(tags.index), names.length, `trigger indexes of kind ${tags.kind}`)
  const sense = parallel(header.numbers(tags.sense), names.length, `trigger flags of kind ${tags.kind}`)
  const versions = parallel(header.strings(tags.versions), names.length, `trigger versions of kind ${tags.kind}`)

  const scripts = header.strings(tags.scripts) ?? []
  const argv = header.strings(tags.argv)
  const count = Math.max(scripts.length, argv?.length ?? 0)
  const flags = optional(header.numbers(tags.flags), count, `trigger script flags of kind ${tags.kind}`)
  const priorities =
    tags.priorities && optional(header.numbers(tags.priorities), count, `priorities of kind ${tags.kind}`)
  if (scripts.length > 0) optional(argv, count, `trigger interpreters of kind ${tags.kind}`)

  const rows = new Map<number, number[]>()
  names.forEach((_, k) => {
    const script = index[k]!
    if (script >= count) {
      throw new RpmError('array-mismatch', `a trigger of kind ${tags.kind} points to script ${script} of ${count}`)
    }
    const known = rows.get(script)
    if (known) known.push(k)
    else rows.set(script, [k])
  })

  return [...rows.keys()]
    .toSorted((a, b) => a - b)
    .map((script): Trigger => {
      const members = rows.get(script)!
      return {
        kind: tags.kind,
        type: triggerType(sense[members[0]!]!),
        argv: [argv?.[script] ?? '/bin/sh'],
        body: scripts[script],
        ...scriptFlags(flags?.[script] ?? 0),
        conditions: members.map(k => ({ name: names[k]!, operator: operatorOf(sense[k]!), version: versions[k]! })),
        priority: tags.priorities && (priorities?.[script] ?? defaultPriority),
      }
    })
}

function triggerType(sense: number): Trigger['type'] {
  if (sense & SenseFlag.TRIGGERPREIN) return 'prein'
  if (sense & SenseFlag.TRIGGERIN) return 'in'
  if (sense & SenseFlag.TRIGGERUN) return 'un'
  if (sense & SenseFlag.TRIGGERPOSTUN) return 'postun'
  throw new RpmError('malformed-header', 'a trigger does not say when it fires (no TRIGGER bit in its flags)')
}

function parallel<T extends { readonly length: number }>(array: T | undefined, length: number, what: string): T {
  if (array?.length !== length) {
    throw new RpmError('array-mismatch', `${what}: ${array?.length ?? 'no'} members where ${length} are needed`)
  }
  return array
}

function optional<T extends { readonly length: number }>(
  array: T | undefined,
  length: number,
  what: string,
): T | undefined {
  return array === undefined ? undefined : parallel(array, length, what)
}
