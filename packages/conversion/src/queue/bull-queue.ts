import { setTimeout as sleep } from 'node:timers/promises'
import { QueueEvents } from 'bullmq'
import type { Redis } from 'ioredis'
import type { ConversionJob, ConversionOutcome } from '../job.ts'
import type { Logger } from '../logging.ts'
import type { TarStore } from '../store/tar-store.ts'
import type { UsageLog } from '../store/usage.ts'
import { within } from '../within.ts'
import { BullJobs, keyOfJob } from './bull-jobs.ts'
import { bullStatus } from './bull-status.ts'
import type { ConversionQueue, ConvertOptions, QueueStatus } from './conversion-queue.ts'
import { FlightWatcher, messageOf } from './flight-watcher.ts'
import { QueueError } from './queue-error.ts'
import { failFastRedis, patientConnection, QUEUE_NAME, redisRejections, redisUsage } from './redis.ts'
import { RedisContact } from './redis-contact.ts'
import { UsageFlush } from './usage-flush.ts'
import { type Flight, Waits } from './waits.ts'
import { Watchdog } from './watchdog.ts'

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
  #usage: UsageFlush
  #waits: Waits
  #watcher: FlightWatcher
  #awayMs: number
  #watchdog: Watchdog
  #closing = false

  constructor(options: BullQueueOptions) {
    const { url, prefix = 'diskful', store, logger, maxWaiters = 20_000, waitSeconds = 300 } = options
    this.#store = store
    this.#logger = logger
    this.#awayMs = options.awayMs ?? 9_000
    this.#redis = failFastRedis(url)
    this.#redis.on('error', error => this.#contact.lost(error))
    this.#contact = new RedisContact(this.#redis, prefix, logger)
    this.#jobs = new BullJobs(this.#redis, prefix, 2 * waitSeconds)
    this.#jobs.queue.on('error', error => this.#logger.debug({ error }, 'queue'))
    this.#events = new QueueEvents(QUEUE_NAME, { connection: patientConnection(url), prefix, skipVersionCheck: true })
    this.#events.on('error', error => this.#logger.debug({ error }, 'queue events'))
    this.#events.on('completed', ({ jobId }) => this.#onEvent(jobId))
    this.#events.on('failed', ({ jobId }) => this.#onEvent(jobId))
    const usage: UsageLog = redisUsage(this.#redis, prefix)
    this.#usage = new UsageFlush(store, ages => usage.record(ages), logger)
    this.#waits = new Waits(maxWaiters, flight => this.#begin(flight))
    this.#watcher = new FlightWatcher({
      store,
      logger,
      jobs: this.#jobs,
      contact: this.#contact,
      rejections: redisRejections(this.#redis, prefix),
      waits: this.#waits,
      awayMs: this.#awayMs,
      noConverterMs: options.noConverterMs ?? 5_000,
      invisibleMs: options.invisibleMs ?? 5_000,
    })
    const { watchdogMs = 1_000 } = options
    this.#watchdog = new Watchdog(
      watchdogMs,
      () => this.#watcher.examineAll(),
      () => this.#watcher.watching,
    )
    // Connected (again): what could not be added can be added now.
    this.#redis.on('ready', () => {
      this.#contact.expire()
      this.#watchdog.wake()
    })
  }

  convert(job: ConversionJob, options: ConvertOptions): Promise<ConversionOutcome> {
    return this.#waits.wait(job, options)
  }

  async enqueue(job: ConversionJob): Promise<void> {
    if (this.#closing) throw new QueueError('shutting-down', 'This process is ending')
    if (await this.#store.peek(job.key)) return
    for (const end = performance.now() + this.#awayMs; ; await sleep(ENQUEUE_AGAIN_MS)) {
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
    this.#waits.close(new QueueError('shutting-down', 'This process is ending'))
    this.#watcher.stop()
    await this.#watchdog.stop()
    await this.#usage.close()
    // ioredis never says that it ended when it is told to while it waits for its next try to connect.
    await within(Promise.allSettled([this.#events.close(), this.#jobs.queue.close()]), CLOSE_MS)
    this.#redis.disconnect()
  }

  #begin(flight: Flight): void {
    this.#watcher.begin(flight)
    this.#watchdog.begin()
  }

  #onEvent(jobId: string): void {
    const flight = this.#waits.get(keyOfJob(jobId))
    if (flight) this.#watcher.look(flight)
  }
}
