import type { ByteString } from './byte-string.ts'
import { checkMembers, type Header } from './header.ts'

export type ScriptletSlot =
  | 'pretrans'
  | 'pre'
  | 'post'
  | 'preun'
  | 'postun'
  | 'posttrans'
  | 'preuntrans'
  | 'postuntrans'
  | 'verify'

export interface Scriptlet {
  readonly slot: ScriptletSlot
  /** The interpreter and its arguments: `['/bin/sh']`, `['<lua>']`, `['/sbin/ldconfig']`. */
  readonly argv: readonly ByteString[]
  /** undefined: the interpreter alone is the scriptlet. */
  readonly body: ByteString | undefined
  /** rpm would expand macros in the body at install time. */
  readonly expand: boolean
  /** rpm would expand query tags (`%{NAME}`) in the body at install time. */
  readonly qformat: boolean
  /** A failure stops the installation. */
  readonly critical: boolean
}

/** Of an interpreter; honest ones have two or three. */
const mostArguments = 1000

const ScriptFlag = { EXPAND: 1, QFORMAT: 2, CRITICAL: 4 } as const

/** Slot, body, interpreter, flags; in the order in which a package's life meets them. */
const slots: readonly (readonly [ScriptletSlot, number, number, number])[] = [
  ['pretrans', 1151, 1153, 5024],
  ['pre', 1023, 1085, 5020],
  ['post', 1024, 1086, 5021],
  ['preuntrans', 5103, 5105, 5107],
  ['preun', 1025, 1087, 5022],
  ['postun', 1026, 1088, 5023],
  ['posttrans', 1152, 1154, 5025],
  ['postuntrans', 5104, 5106, 5108],
  ['verify', 1079, 1091, 5026],
]

/** All scriptlets that the header has. A slot with an interpreter and no body is one, too. */
export function readScriptlets(header: Header): Scriptlet[] {
  const scriptlets: Scriptlet[] = []
  for (const [slot, bodyTag, argvTag, flagsTag] of slots) {
    if (!header.has(bodyTag) && !header.has(argvTag)) continue
    checkMembers(header, argvTag, mostArguments)
    scriptlets.push({
      slot,
      argv: header.strings(argvTag) ?? ['/bin/sh'],
      body: header.string(bodyTag),
      ...scriptFlags(header.number(flagsTag) ?? 0),
    })
  }
  return scriptlets
}

export function scriptFlags(flags: number): { expand: boolean; qformat: boolean; critical: boolean } {
  return {
    expand: (flags & ScriptFlag.EXPAND) !== 0,
    qformat: (flags & ScriptFlag.QFORMAT) !== 0,
    critical: (flags & ScriptFlag.CRITICAL) !== 0,
  }
}
