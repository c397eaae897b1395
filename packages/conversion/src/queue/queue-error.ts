/**
 * Why a conversion has no outcome, although the RPM may be fine:
 * - `queue-away`: Redis does not answer
 * - `no-converter`: no converter is running
 * - `wait-timeout`: the wait ran out; the conversion goes on
 * - `too-many-waiters`: this process holds as many waiting requests as it may
 * - `conversion-failed`: the converter's machine failed, repeatedly
 * - `disk-full`: no room for the TAR
 * - `shutting-down`: this process is ending
 */
export type QueueErrorCode =
  | 'queue-away'
  | 'no-converter'
  | 'wait-timeout'
  | 'too-many-waiters'
  | 'conversion-failed'
  | 'disk-full'
  | 'shutting-down'

const RETRY_AFTER_SECONDS: Record<QueueErrorCode, number> = {
  'queue-away': 5,
  'no-converter': 5,
  'wait-timeout': 5,
  'too-many-waiters': 10,
  'conversion-failed': 30,
  'disk-full': 60,
  'shutting-down': 2,
}

export class QueueError extends Error {
  override readonly name = 'QueueError'
  readonly code: QueueErrorCode
  /** When asking again makes sense: for Retry-After. */
  readonly retryAfterSeconds: number

  constructor(code: QueueErrorCode, message: string, options?: ErrorOptions & { retryAfterSeconds?: number }) {
    super(message, options)
    this.code = code
    this.retryAfterSeconds = options?.retryAfterSeconds ?? RETRY_AFTER_SECONDS[code]
  }
}
