import type { Logger } from '../logging.ts'
import type { TarStore } from '../store/tar-store.ts'
import { answerTo, errorOf } from './answer.ts'
import type { BullJobs } from './bull-jobs.ts'
import { QueueError } from './queue-error.ts'
import type { RedisContact } from './redis-contact.ts'
import type { Rejections } from './rejections.ts'
import type { Flight, Waits } from './waits.ts'

const EXAMINED_AT_ONCE = 16

export interface FlightWatcherOptions {
  store: TarStore
  jobs: BullJobs
  contact: RedisContact
  rejections: Rejections
  waits: Waits
  logger: Logger
  /** See BullQueueOptions. */
  awayMs: number
  noConverterMs: number
  invisibleMs: number
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

/** Brings flights to their end: asks the store, then the job, and adds the job (again) where there is none. */
export class FlightWatcher {
  #options: FlightWatcherOptions
  #watches = new Map<Flight, Watch>()
  #stopped = false

  constructor(options: FlightWatcherOptions) {
    this.#options = options
  }

  get watching(): boolean {
    return this.#watches.size > 0
  }

  begin(flight: Flight): void {
    const watch: Watch = { flight, busy: false, again: false, addedAgain: false }
    this.#watches.set(flight, watch)
    void this.#examine(watch)
  }

  /** Something happened to its job. */
  look(flight: Flight): void {
    const watch = this.#watches.get(flight)
    if (watch) void this.#examine(watch)
  }

  stop(): void {
    this.#stopped = true
  }

  /** A round of the watchdog. Never rejects. */
  async examineAll(): Promise<void> {
    for (const [flight] of this.#watches) if (flight.over) this.#watches.delete(flight)
    if (this.#watches.size === 0) return
    await this.#options.contact.check()
    const waiting = [...this.#watches.values()]
    const work = async () => {
      for (let watch = waiting.pop(); watch && !this.#stopped; watch = waiting.pop()) await this.#examine(watch)
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
      this.#options.logger.error({ error, key: watch.flight.key }, 'a wait could not be looked after')
      this.#options.waits.fail(watch.flight, new QueueError('conversion-failed', messageOf(error), { cause: error }))
    } finally {
      watch.busy = false
      if (watch.flight.over) this.#watches.delete(watch.flight)
    }
  }

  async #settledByStore({ flight }: Watch): Promise<boolean> {
    const meta = await this.#options.store.peek(flight.key)
    if (meta) {
      const { key, sha256, size } = meta
      this.#options.waits.settle(flight, answerTo(flight.job, { status: 'published', key, sha256, size }))
    }
    return meta !== undefined
  }

  async #askQueue(watch: Watch): Promise<void> {
    if (this.#options.contact.away && !(await this.#options.contact.check())) {
      return this.#endIf(watch, this.#options.contact.awayFor(), this.#options.contact.error)
    }
    try {
      if (watch.jobId === undefined) await this.#add(watch)
      else await this.#follow(watch, watch.jobId)
      if (watch.refusedSince !== undefined) delete watch.refusedSince
    } catch (error) {
      watch.refusedSince ??= performance.now()
      // Redis answers and yet refuses (out of memory, read-only): an outage too.
      if (await this.#options.contact.check())
        this.#endIf(watch, performance.now() - watch.refusedSince, messageOf(error))
      else this.#endIf(watch, this.#options.contact.awayFor(), this.#options.contact.error)
      return
    }
    if (this.#options.contact.withoutConverterFor() >= this.#options.noConverterMs) {
      this.#options.waits.fail(watch.flight, new QueueError('no-converter', 'No converter is running'))
    }
  }

  #endIf(watch: Watch, awayMs: number, message: string): void {
    if (awayMs < this.#options.awayMs) return
    this.#options.waits.fail(watch.flight, new QueueError('queue-away', `Redis does not take jobs: ${message}`))
  }

  async #add(watch: Watch): Promise<void> {
    const { flight } = watch
    const rejected = await this.#options.rejections.find(flight.job)
    if (rejected) return this.#options.waits.settle(flight, rejected)
    const damaged = await this.#options.store.isDamaged(flight.key)
    watch.jobId = await this.#options.jobs.add(damaged ? { ...flight.job, remake: true } : flight.job)
    // A new flight learns at once whether there is anybody to work for it.
    if (this.#options.contact.converters === 0) await this.#options.contact.check()
  }

  async #follow(watch: Watch, jobId: string): Promise<void> {
    const job = await this.#options.jobs.state(jobId)
    switch (job.state) {
      case 'pending':
        return
      case 'unknown':
        this.#options.logger.warn({ key: watch.flight.key }, 'a job vanished from the queue; it is added again')
        return await this.#add(watch)
      case 'failed':
        return this.#options.waits.fail(watch.flight, errorOf(job.failure))
      case 'answered':
        if (job.answer.outcome.status === 'published') return await this.#invisible(watch)
        return this.#options.waits.settle(watch.flight, job.answer)
    }
  }

  /** The converter published the TAR, but this process does not see it: give the file system time, then try once more. */
  async #invisible(watch: Watch): Promise<void> {
    watch.invisibleSince ??= performance.now()
    if (await this.#settledByStore(watch)) return
    if (performance.now() - watch.invisibleSince < this.#options.invisibleMs) {
      setTimeout(() => void this.#examine(watch), this.#options.invisibleMs / 20).unref()
      return
    }
    const message = 'The TAR was published, but it is not in CACHE_DIR: do API and converter share that folder?'
    if (watch.addedAgain) return this.#options.waits.fail(watch.flight, new QueueError('conversion-failed', message))
    this.#options.logger.warn({ key: watch.flight.key }, 'a published TAR is not to be seen; its job is added again')
    watch.addedAgain = true
    delete watch.invisibleSince
    await this.#add(watch)
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
