import {
  type ConversionJob,
  type ConversionOutcome,
  type Logger,
  QueueError,
  REJECTIONS,
  type TarStore,
} from '@diskful/conversion'
import {
  type CrashCount,
  crashesConverter,
  DEATHS_ALLOWED,
  type Rejections,
  type UsageLog,
  verifyTar,
} from '@diskful/conversion/converting'
import { Alone } from './alone.ts'
import { type ConversionThreads, type RunResult, ThreadCrash } from './conversion-threads.ts'
import type { ConversionResult, ConverterMetrics } from './metrics.ts'

/** A thread is ended by a package at most so often before the package is refused. */
const CRASHES_ALLOWED = 1

export interface ConversionLimits {
  /** Milliseconds for a conversion of an RPM of no size. */
  deadlineMs: number
  /** More time by a second for each so many bytes of RPM. */
  bytesPerSecond: number
  stallMs: number
}

export interface ConversionsOptions {
  store: TarStore
  threads: ConversionThreads
  rejections: Rejections
  crashes: CrashCount
  usage: UsageLog
  metrics: ConverterMetrics
  logger: Logger
  limits: ConversionLimits
}

/** Works jobs, wherever they come from. The store and the list of refused packages are asked before any work is done. */
export class Conversions {
  #options: ConversionsOptions
  #running = new Map<string, Promise<ConversionOutcome>>()
  #alone = new Alone()
  #abort = new AbortController()

  constructor(options: ConversionsOptions) {
    this.#options = options
  }

  /**
   * @param suspect a converter died under this job before
   * @returns the outcome; rejects when the machine is at fault
   */
  async work(job: ConversionJob, suspect: boolean): Promise<ConversionOutcome> {
    const known = await this.#known(job)
    if (known) return known
    // A queue that lost its memory may send the same job while it runs.
    let running = this.#running.get(job.key)
    if (!running) {
      running = this.#alone.run(suspect, () => this.#convert(job)).finally(() => this.#running.delete(job.key))
      this.#running.set(job.key, running)
    }
    return await running
  }

  /** Resolves when the conversions under way have ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running.values())
  }

  /** Ends all conversions under way; they reject with `shutting-down`. */
  abort(): void {
    this.#abort.abort(new QueueError('shutting-down', 'The converter is ending'))
  }

  async #known(job: ConversionJob): Promise<ConversionOutcome | undefined> {
    const { store, logger } = this.#options
    if (job.remake) {
      const verified = await verifyTar(store, job.key)
      if (verified?.state === 'wrong') logger.warn({ key: job.key, reason: verified.reason }, 'dropped a damaged TAR')
    }
    const meta = await store.peek(job.key)
    if (meta) return { status: 'published', key: meta.key, sha256: meta.sha256, size: meta.size }
    return await this.#rejection(job)
  }

  /** Lists of rejections are a convenience: a queue that is away does not stop a conversion. */
  async #rejection(job: ConversionJob): Promise<ConversionOutcome | undefined> {
    try {
      return (await this.#options.rejections.find(job))?.outcome
    } catch (error) {
      this.#options.logger.debug({ error }, 'refused packages could not be looked up')
      return undefined
    }
  }

  async #convert(job: ConversionJob): Promise<ConversionOutcome> {
    const { crashes } = this.#options
    const deaths = await this.#counted(() => crashes.begin(job))
    try {
      if (deaths > DEATHS_ALLOWED) return await this.#refuseCrash(job, 'its process died', performance.now())
      return await this.#runThread(job)
    } finally {
      await this.#quietly(() => crashes.end(job))
    }
  }

  async #runThread(job: ConversionJob): Promise<ConversionOutcome> {
    const { threads, limits, metrics } = this.#options
    const started = performance.now()
    const { deadlineMs, bytesPerSecond, stallMs } = limits
    metrics.active.inc()
    try {
      const result = await threads.run(job, {
        deadlineMs: deadlineMs + (job.identity.size / bytesPerSecond) * 1000,
        stallMs,
        signal: this.#abort.signal,
      })
      await this.#note(job, result, started)
      return result.outcome
    } catch (error) {
      return await this.#failed(job, error, started)
    } finally {
      metrics.active.dec()
    }
  }

  async #note(job: ConversionJob, { outcome, payload }: RunResult, started: number): Promise<void> {
    const { usage } = this.#options
    const facts = {
      payload,
      ...(outcome.status === 'rejected' && { code: outcome.code }),
      ...(outcome.status === 'published' && { tarBytes: outcome.size }),
    }
    this.#count(job, outcome.status, started, facts)
    const line = { ...this.#line(job, started), ...outcome }
    if (outcome.status === 'published') {
      this.#options.logger.info(line, 'converted')
      await this.#quietly(() => usage.record(new Map([[job.key, 0]])))
    } else {
      this.#options.logger.warn(line, outcome.status === 'rejected' ? 'the package was refused' : 'the package changed')
      await this.#remember(job, outcome)
    }
  }

  async #failed(job: ConversionJob, error: unknown, started: number): Promise<ConversionOutcome> {
    const { crashes, logger } = this.#options
    const message = error instanceof Error ? error.message : String(error)
    const crashed = error instanceof ThreadCrash
    if (this.#abort.signal.aborted) {
      logger.info({ ...this.#line(job, started) }, 'a conversion was left to another converter')
      throw error
    }
    const ended = crashed && (await this.#counted(() => crashes.add(job))) > CRASHES_ALLOWED
    if (ended) return await this.#refuseCrash(job, message, started)
    this.#count(job, crashed ? 'crashed' : 'failed', started, { payload: undefined })
    logger.error(
      { ...this.#line(job, started), reason: message },
      crashed ? 'a conversion was ended' : 'a conversion failed',
    )
    throw error
  }

  /** A package that ends its thread or its process again and again takes no more of them with it, for a while. */
  async #refuseCrash(job: ConversionJob, how: string, started: number): Promise<ConversionOutcome> {
    const outcome = crashesConverter(how)
    this.#count(job, 'crashed', started, { payload: undefined, code: REJECTIONS.crashesConverter })
    this.#options.logger.error(
      { ...this.#line(job, started), code: REJECTIONS.crashesConverter, reason: how },
      'the package ends its converters; it is refused for a while',
    )
    await this.#remember(job, outcome)
    return outcome
  }

  /** Crashes that nobody counts, while Redis is away, are tried again without harm. */
  async #counted(count: () => Promise<number>): Promise<number> {
    try {
      return await count()
    } catch (error) {
      this.#options.logger.debug({ error }, 'crashes could not be counted')
      return 0
    }
  }

  async #remember(job: ConversionJob, outcome: ConversionOutcome): Promise<void> {
    await this.#quietly(() => this.#options.rejections.remember(job, outcome))
  }

  /** For notes whose loss costs a little work and no correctness. */
  async #quietly(note: () => Promise<void>): Promise<void> {
    try {
      await note()
    } catch (error) {
      this.#options.logger.debug({ error }, 'a note for other processes was lost')
    }
  }

  #count(
    { format, identity }: ConversionJob,
    result: ConversionResult,
    started: number,
    facts: { payload: string | undefined; code?: string; tarBytes?: number },
  ): void {
    const seconds = (performance.now() - started) / 1000
    this.#options.metrics.ran({ result, format, seconds, rpmBytes: identity.size, ...facts })
  }

  #line({ requestId, key, nevra, file, format, identity }: ConversionJob, started: number) {
    const seconds = Math.round(performance.now() - started) / 1000
    return { requestId, key, nevra, file, format, rpmBytes: identity.size, seconds }
  }
}
