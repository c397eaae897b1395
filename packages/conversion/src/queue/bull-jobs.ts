import { randomUUID } from 'node:crypto'
import { Job, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { ConversionJob } from '../job.ts'
import { type Answer, decodeFailure, type Failure } from './answer.ts'
import { QUEUE_NAME } from './redis.ts'

/** Behind the jobs of nodes, which have no priority (BullMQ: 0 is first, then 1, 2, …). */
const PREWARM_PRIORITY = 10
/** A machine that failed may not fail again; a job whose converter died or was asked to end is tried again besides. */
const ATTEMPTS = 3
const KEPT_JOBS = 5_000

export type JobState =
  | { state: 'unknown' }
  | { state: 'pending'; prewarm: boolean }
  | { state: 'answered'; answer: Answer }
  | { state: 'failed'; failure: Failure }

/** Conversion jobs in BullMQ. Every method rejects at once while Redis is away. */
export class BullJobs {
  readonly queue: Queue<ConversionJob, Answer>
  #keepSeconds: number

  /** @param keepSeconds how long a finished job is kept: longer than anybody waits for it */
  constructor(redis: Redis, prefix: string, keepSeconds: number) {
    this.#keepSeconds = keepSeconds
    // Without all three of these and the connection's own settings, add() hangs or fails for ever after a bad start.
    this.queue = new Queue(QUEUE_NAME, {
      connection: redis,
      prefix,
      skipWaitingForReady: true,
      skipVersionCheck: true,
    })
  }

  /** Adds a job unless one for its key is in flight. @returns the id of the job in flight */
  async add(job: ConversionJob): Promise<string> {
    // Ids of BullMQ start again at 1 when Redis lost its data; these never name another job.
    const id = `${job.key}-${randomUUID()}`
    const keep = { age: this.#keepSeconds, count: KEPT_JOBS }
    const added = await this.queue.add('convert', job, {
      jobId: id,
      deduplication: { id: job.key },
      attempts: ATTEMPTS,
      removeOnComplete: keep,
      removeOnFail: keep,
      ...(job.priority === 'prewarm' && { priority: PREWARM_PRIORITY }),
    })
    const inFlight = added.id ?? id
    if (inFlight !== id && job.priority === 'node') await this.#overtake(inFlight)
    return inFlight
  }

  async state(id: string): Promise<JobState> {
    const job = await Job.fromId<ConversionJob, Answer>(this.queue, id)
    if (!job) return { state: 'unknown' }
    if (job.finishedOn === undefined) return { state: 'pending', prewarm: job.priority > 0 }
    if (job.returnvalue) return { state: 'answered', answer: job.returnvalue }
    return { state: 'failed', failure: decodeFailure(job.failedReason) }
  }

  /** A prewarming job that a node waits for now leaves the others behind. */
  async #overtake(id: string): Promise<void> {
    const job = await Job.fromId<ConversionJob, Answer>(this.queue, id)
    if (job && job.finishedOn === undefined && job.priority > 0) await job.changePriority({ priority: 0 })
  }
}

/** The key that an id of `add` begins with. */
export function keyOfJob(id: string): string {
  return id.slice(0, 64)
}
