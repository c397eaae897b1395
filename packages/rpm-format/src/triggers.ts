import type { ByteString } from './byte-string.ts'
import type { Operator } from './dependencies.ts'

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
