import type { ByteString } from './byte-string.ts'

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
