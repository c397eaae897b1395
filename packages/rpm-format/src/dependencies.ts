import type { ByteString } from './byte-string.ts'

export type Operator = '' | '<' | '<=' | '=' | '>=' | '>'

export type DependencyKind =
  | 'provides'
  | 'requires'
  | 'conflicts'
  | 'obsoletes'
  | 'recommends'
  | 'suggests'
  | 'supplements'
  | 'enhances'
  | 'order'

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
