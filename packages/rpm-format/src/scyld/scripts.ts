import { type ByteString, displayText } from '../byte-string.ts'
import type { Warning } from '../errors.ts'
import type { RpmPackage } from '../package.ts'
import { formatQuery, type QueryTags } from '../query-format.ts'
import { queryTags } from '../query-tags.ts'
import { QueryFormatError } from '../query-value-formats.ts'
import type { Scriptlet } from '../scriptlets.ts'
import type { Trigger } from '../triggers.ts'

export type ScriptNote = 'lua' | 'needs-macros' | 'unsupported-query'

/** A scriptlet or trigger as it stands in the TAR. */
export interface Script<Source extends Scriptlet | Trigger = Scriptlet | Trigger> {
  readonly source: Source
  /** `pkg/scripts/post`; undefined where the interpreter alone is the scriptlet. */
  readonly file: string | undefined
  readonly body: ByteString | undefined
  /** Why running the body would not do what rpm does. */
  readonly notes: readonly ScriptNote[]
  /** rpm stops installing or removing the package when it fails. */
  readonly critical: boolean
}

/** Critical without saying so. */
const criticalSlots = new Set<string>(['pretrans', 'pre', 'preun', 'preuntrans', 'verify'])

const slots = ['pretrans', 'pre', 'post', 'preun', 'postun', 'posttrans', 'preuntrans', 'postuntrans', 'verify']

export interface PreparedScripts {
  readonly scriptlets: readonly Script<Scriptlet>[]
  readonly triggers: readonly (Script<Trigger> & { readonly number: string })[]
  readonly warnings: readonly Warning[]
}

export function prepareScripts(rpm: RpmPackage): PreparedScripts {
  const warnings: Warning[] = []
  const tags = queryTags(rpm)
  const scriptlets = rpm.scriptlets
    .toSorted((a, b) => slots.indexOf(a.slot) - slots.indexOf(b.slot))
    .map(source => prepare(source, `pkg/scripts/${source.slot}`, tags, warnings))
  const triggers = rpm.triggers.map((source, index) => {
    const number = String(index + 1).padStart(2, '0')
    return { number, ...prepare(source, `pkg/triggers/${number}.${source.kind}.${source.type}`, tags, warnings) }
  })
  return { scriptlets, triggers, warnings }
}

function prepare<Source extends Scriptlet | Trigger>(
  source: Source,
  file: string,
  tags: QueryTags,
  warnings: Warning[],
): Script<Source> {
  const critical = source.critical || ('slot' in source && criticalSlots.has(source.slot))
  if (source.body === undefined) return { source, file: undefined, body: undefined, notes: [], critical }
  const notes: ScriptNote[] = []
  const warn = (note: ScriptNote, why: string) => {
    notes.push(note)
    warnings.push({ code: note, message: `${file}: ${why}` })
  }
  if (source.argv[0] === '<lua>') warn('lua', 'written in Lua, which only rpm runs')
  // rpm expands macros first, so what they would give may hold query tags.
  const needsMacros = source.expand && source.body.includes('%')
  if (needsMacros) warn('needs-macros', 'rpm would expand macros in it on the node')
  if (!source.qformat || needsMacros) return { source, file, body: source.body, notes, critical }
  try {
    return { source, file, body: formatQuery(source.body, tags), notes, critical }
  } catch (error) {
    if (!(error instanceof QueryFormatError)) throw error
    warn('unsupported-query', displayText(error.message))
    return { source, file, body: source.body, notes, critical }
  }
}
