import type { ByteString } from './byte-string.ts'
import type { Dependency } from './dependencies.ts'
import { RpmError } from './errors.ts'

/** One line of sysusers.d(5): a user, a group or a membership that the package needs. '' stands for "not given". */
export interface SysusersLine {
  /** `u`, `g` or `m`, with modifiers (`u!`). */
  readonly type: string
  /** For memberships the user. */
  readonly name: ByteString
  /** uid, gid, `uid:gid`, a path; for memberships the group. */
  readonly id: ByteString
  readonly gecos: ByteString
  readonly home: ByteString
  readonly shell: ByteString
  readonly line: ByteString
}

const order = ['g', 'u', 'm']
const mostLines = 10_000

/**
 * rpm ≥ 4.19 provides `user(x) = <base64 of a sysusers.d line>`, `group(x)` and `groupmember(x/y)`. Each line once, groups
 * first. Source: rpm-sysusers(7).
 */
export function sysusers(provides: Iterable<Dependency>): SysusersLine[] {
  const lines = new Set<ByteString>()
  for (const { name, operator, version } of provides) {
    if (operator !== '=' || !/^(user|group|groupmember)\(.*\)$/s.test(name)) continue
    const line = Buffer.from(version, 'base64').toString('latin1').trim()
    if (line !== '') lines.add(line)
    if (lines.size > mostLines)
      throw new RpmError('header-too-large', `more than ${mostLines} users and groups are provided`)
  }
  const parsed = [...lines].map(parseSysusersLine).filter(line => line !== undefined)
  return parsed.sort((a, b) => order.indexOf(a.type[0]!) - order.indexOf(b.type[0]!))
}

export function parseSysusersLine(line: ByteString): SysusersLine | undefined {
  const [type = '', name = '', id = '', gecos = '', home = '', shell = ''] = fields(line)
  if (!/^[ugm]!?$/.test(type) || name === '' || name === '-') return undefined
  const given = (field: string) => (field === '-' ? '' : field)
  return { type, name, id: given(id), gecos: given(gecos), home: given(home), shell: given(shell), line }
}

/** Words separated by blanks; quotes hold a word together, a backslash takes the next character as it is. */
function fields(line: ByteString): ByteString[] {
  const words = line.match(/(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'\\])+/g) ?? []
  return words.map(word =>
    word.replace(
      /"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|\\(.)/g,
      (_, double?: string, single?: string, char?: string) => (double ?? single ?? char ?? '').replace(/\\(.)/g, '$1'),
    ),
  )
}
