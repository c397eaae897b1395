import type { ConversionJob, ConversionOutcome } from '../job.ts'

/** How conversions are asked for. Two adapters, `localQueue` and `bullQueue`, held to one contract suite. */
export interface ConversionQueue {
  /**
   * Resolves with the outcome of the conversion of `job.key`, joining one in flight.
   * Rejects with QueueError, or with `signal.reason` once the client left; the conversion goes on then.
   */
  convert(job: ConversionJob, options: ConvertOptions): Promise<ConversionOutcome>
  /** Asks for a conversion and does not wait for it. Rejects with QueueError when the queue is away. */
  enqueue(job: ConversionJob): Promise<void>
  /** Answers within two seconds and does not reject. */
  status(): Promise<QueueStatus>
  /** Ends all waits with `shutting-down`; with the local adapter, ends the converter too. */
  close(): Promise<void>
}

export interface ConvertOptions {
  /** Aborted when the client leaves. */
  signal?: AbortSignal
  /** Milliseconds after which the wait ends with `wait-timeout`. */
  waitMs: number
}

export interface QueueStatus {
  reachable: boolean
  /** Converter processes that are alive. */
  converters: number
  waiting: number
  active: number
  delayed: number
  /** Age of the longest-waiting job, in milliseconds; 0 when none waits. */
  oldestMs: number
  /** Requests that this process holds. */
  waiters: number
  /** Whether Redis is set to `noeviction`; absent for the local queue and where Redis does not say. */
  evictionPolicyOk?: boolean
  /** What is wrong, in words for an operator. */
  message?: string
}
