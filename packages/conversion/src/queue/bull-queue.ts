import { setTimeout as sleep } from 'node:timers/promises'
import { QueueEvents } from 'bullmq'
import type { Redis } from 'ioredis'
import type { ConversionJob, ConversionOutcome } from '../job.ts'
import type { Logger } from '../logging.ts'
import type { TarStore } from '../store/tar-store.ts'
import type { UsageLog } from '../store/usage.ts'
import { within } from '../within.ts'
import { answerTo, errorOf } from './answer.ts'
import { BullJobs, keyOfJob } from './bull-jobs.ts'
import { bullStatus } from './bull-status.ts'
import type { ConversionQueue, ConvertOptions, QueueStatus } from './conversion-queue.ts'
import { QueueError } from './queue-error.ts'
import { failFastRedis, patientConnection, QUEUE_NAME, redisRejections, redisUsage } from './redis.ts'
import { RedisContact } from './redis-contact.ts'
import type { Rejections } from './rejections.ts'
import { UsageFlush } from './usage-flush.ts'
import { type Flight, Waits } from './waits.ts'

const EXAMINED_AT_ONCE = 16
const CLOSE_MS = 2_000
const ENQUEUE_AGAIN_MS = 200

export interface BullQueueOptions {
  /** REDIS_URL */
  url: string
  /** REDIS_PREFIX; 'diskful' */
  prefix?: string
  store: TarStore
  logger: Logger
  /** Requests that this process may hold; 20,000. */
  maxWaiters?: number
  /** The longest wait of anybody, in seconds: finished jobs are kept twice as long. 300. */
  waitSeconds?: number
  /** How often the watchdog looks after what is waited for; 1,000. */
  watchdogMs?: number
  /** Waits survive an outage of Redis of this length; 9,000. */
  awayMs?: number
  /** Waits survive a time without converters of this length, counted from when the last fell silent (6 s); 5,000. */
  noConverterMs?: number
  /** How long a TAR that is said to be published may stay invisible (network file systems); 5,000. */
  invisibleMs?: number
}

/** What this process knows of one key beyond who waits for it. */
interface Watch {
  flight: Flight
  /** Of the job in flight; undefined until one could be added. */
  jobId?: string
  busy: boolean
  /** Something happened while it was busy: look again. */
  again: boolean
  /** Published, they say, but not to be seen since then. */
  invisibleSince?: number
  addedAgain: boolean
  /** Since when Redis refuses the job although it answers. */
  refusedSince?: number
}

/** The queue of the distributed mode: BullMQ carries jobs, the store tells what is done. */
export function bullQueue(options: BullQueueOptions): ConversionQueue {
  return new BullQueue(options)
}

/**
 * Events make waits short, the watchdog makes them end: once a second it asks, for every key that somebody waits for,
 * the store and then the job. Events may be lost, jobs may vanish, Redis may restart empty; nothing else is relied on.
 */
class BullQueue implements ConversionQueue {
  #store: TarStore
  #logger: Logger
  #redis: Redis
  #jobs: BullJobs
  #events: QueueEvents
  #contact: RedisContact
  #rejections: Rejections
  #usage: UsageFlush
  #waits: Waits
  #watches = new Map<Flight, Watch>()
  #limits: { watchdogMs: number; awayMs: number; noConverterMs: number; invisibleMs: number }
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()
  #closing = false

  constructor(options: BullQueueOptions) {
    const { url, prefix = 'diskful', store, logger, maxWaiters = 20_000, waitSeconds = 300 } = options
    this.#store = store
    this.#logger = logger
    this.#limits = {
      watchdogMs: options.watchdogMs ?? 1_000,
      awayMs: options.awayMs ?? 9_000,
      noConverterMs: options.noConverterMs ?? 5_000,
      invisibleMs: options.invisibleMs ?? 5_000,
    }
    this.#redis = failFastRedis(url)
    this.#redis.on('error', error => this.#contact.lost(error))
    this.#contact = new RedisContact(this.#redis, prefix, logger)
    this.#jobs = new BullJobs(this.#redis, prefix, 2 * waitSeconds)
    this.#jobs.queue.on('error', error => this.#logger.debug({ error }, 'queue'))
    this.#events = new QueueEvents(QUEUE_NAME, { connection: patientConnection(url), prefix, skipVersionCheck: true })
    this.#events.on('error', error => this.#logger.debug({ error }, 'queue events'))
    this.#events.on('completed', ({ jobId }) => this.#onEvent(jobId))
    this.#events.on('failed', ({ jobId }) => this.#onEvent(jobId))
    this.#rejections = redisRejections(this.#redis, prefix)
    const usage: UsageLog = redisUsage(this.#redis, prefix)
    this.#usage = new UsageFlush(store, ages => usage.record(ages), logger)
    this.#waits = new Waits(maxWaiters, flight => this.#begin(flight))
    // Connected (again): what could not be added can be added now.
    this.#redis.on('ready', () => {
      this.#contact.expire()
      this.#schedule(0)
    })
  }

  convert(job: ConversionJob, options: ConvertOptions): Promise<ConversionOutcome> {
    return this.#waits.wait(job, options)
  }

  async enqueue(job: ConversionJob): Promise<void> {
    if (this.#closing) throw new QueueError('shutting-down', 'This process is ending')
    if (await this.#store.peek(job.key)) return
    for (const end = performance.now() + this.#limits.awayMs; ; await sleep(ENQUEUE_AGAIN_MS)) {
      try {
        await this.#jobs.add(job)
        return
      } catch (error) {
        // Redis may be starting, as this process may be.
        if (performance.now() < end && !this.#closing) continue
        throw new QueueError('queue-away', `Redis does not take jobs: ${messageOf(error)}`, { cause: error })
      }
    }
  }

  async status(): Promise<QueueStatus> {
    return await bullStatus({
      redis: this.#redis,
      queue: this.#jobs.queue,
      contact: this.#contact,
      waiters: this.#waits.count,
    })
  }

  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    clearTimeout(this.#timer)
    this.#waits.close(new QueueError('shutting-down', 'This process is ending'))
    await this.#round
    await this.#usage.close()
    // ioredis never says that it ended when it is told to while it waits for its next try to connect.
    await within(Promise.allSettled([this.#events.close(), this.#jobs.queue.close()]), CLOSE_MS)
    this.#redis.disconnect()
  }

  #begin(flight: Flight): void {
    const watch: Watch = { flight, busy: false, again: false, addedAgain: false }
    this.#watches.set(flight, watch)
    this.#schedule(this.#limits.watchdogMs)
    void this.#examine(watch)
  }

  #onEvent(jobId: string): void {
    const flight = this.#waits.get(keyOfJob(jobId))
    const watch = flight && this.#watches.get(flight)
    if (watch) void this.#examine(watch)
  }

  /** One round of the watchdog, then the next as long as anybody waits. Jittered: many APIs share one Redis. */
  #schedule(ms: number): void {
    if (this.#closing || (this.#timer && ms > 0)) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#round = this.#round
          .then(() => this.#watchdog())
          .then(() => {
            if (this.#watches.size > 0) this.#schedule(this.#limits.watchdogMs)
          })
      },
      ms * (0.8 + 0.4 * Math.random()),
    )
  }

  async #watchdog(): Promise<void> {
    for (const [flight] of this.#watches) if (flight.over) this.#watches.delete(flight)
    if (this.#watches.size === 0) return
    await this.#contact.check()
    const waiting = [...this.#watches.values()]
    const work = async () => {
      for (let watch = waiting.pop(); watch && !this.#closing; watch = waiting.pop()) await this.#examine(watch)
    }
    await Promise.all(Array.from({ length: EXAMINED_AT_ONCE }, work))
  }

  /** Finds out how a flight stands and does what is due. Never rejects. */
  async #examine(watch: Watch): Promise<void> {
    watch.again = true
    if (watch.busy) return
    watch.busy = true
    try {
      while (watch.again && !watch.flight.over) {
        watch.again = false
        if (!(await this.#settledByStore(watch))) await this.#askQueue(watch)
      }
    } catch (error) {
      this.#logger.error({ error, key: watch.flight.key }, 'a wait could not be looked after')
      this.#waits.fail(watch.flight, new QueueError('conversion-failed', messageOf(error), { cause: error }))
    } finally {
      watch.busy = false
      if (watch.flight.over) this.#watches.delete(watch.flight)
    }
  }

  async #settledByStore({ flight }: Watch): Promise<boolean> {
    const meta = await this.#store.peek(flight.key)
    if (meta) {
      const { key, sha256, size } = meta
      this.#waits.settle(flight, answerTo(flight.job, { status: 'published', key, sha256, size }))
    }
    return meta !== undefined
  }

  async #askQueue(watch: Watch): Promise<void> {
    if (this.#contact.away && !(await this.#contact.check())) {
      return this.#endIf(watch, this.#contact.awayFor(), this.#contact.error)
    }
    try {
      if (watch.jobId === undefined) await this.#add(watch)
      else await this.#follow(watch, watch.jobId)
      if (watch.refusedSince !== undefined) delete watch.refusedSince
    } catch (error) {
      watch.refusedSince ??= performance.now()
      // Redis answers and yet refuses (out of memory, read-only): an outage too.
      if (await this.#contact.check()) this.#endIf(watch, performance.now() - watch.refusedSince, messageOf(error))
      else this.#endIf(watch, this.#contact.awayFor(), this.#contact.error)
      return
    }
    if (this.#contact.withoutConverterFor() >= this.#limits.noConverterMs) {
      this.#waits.fail(watch.flight, new QueueError('no-converter', 'No converter is running'))
    }
  }

  #endIf(watch: Watch, awayMs: number, message: string): void {
    if (awayMs < this.#limits.awayMs) return
    this.#waits.fail(watch.flight, new QueueError('queue-away', `Redis does not take jobs: ${message}`))
  }

  async #add(watch: Watch): Promise<void> {
    const { flight } = watch
    const rejected = await this.#rejections.find(flight.job)
    if (rejected) return this.#waits.settle(flight, rejected)
    const damaged = await this.#store.isDamaged(flight.key)
    watch.jobId = await this.#jobs.add(damaged ? { ...flight.job, remake: true } : flight.job)
    // A new flight learns at once whether there is anybody to work for it.
    if (this.#contact.converters === 0) await this.#contact.check()
  }

  async #follow(watch: Watch, jobId: string): Promise<void> {
    const job = await this.#jobs.state(jobId)
    switch (job.state) {
      case 'pending':
        return
      case 'unknown':
        this.#logger.warn({ key: watch.flight.key }, 'a job vanished from the queue; it is added again')
        return await this.#add(watch)
      case 'failed':
        return this.#waits.fail(watch.flight, errorOf(job.failure))
      case 'crashed':
        await this.#rejections.remember(job.job, job.answer.outcome)
        return this.#waits.settle(watch.flight, job.answer)
      case 'answered':
        if (job.answer.outcome.status === 'published') return await this.#invisible(watch)
        return this.#waits.settle(watch.flight, job.answer)
    }
  }

  /** The converter published the TAR, but this process does not see it: give the file system time, then try once more. */
  async #invisible(watch: Watch): Promise<void> {
    watch.invisibleSince ??= performance.now()
    if (await this.#settledByStore(watch)) return
    if (performance.now() - watch.invisibleSince < this.#limits.invisibleMs) {
      setTimeout(() => void this.#examine(watch), this.#limits.invisibleMs / 20).unref()
      return
    }
    const message = 'The TAR was published, but it is not in CACHE_DIR: do API and converter share that folder?'
    if (watch.addedAgain) return this.#waits.fail(watch.flight, new QueueError('conversion-failed', message))
    this.#logger.warn({ key: watch.flight.key }, 'a published TAR is not to be seen; its job is added again')
    watch.addedAgain = true
    delete watch.invisibleSince
    await this.#add(watch)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
