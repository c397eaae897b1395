import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { ConversionJob, Logger } from '@diskful/conversion'
import {
  type Answer,
  answerTo,
  ConverterRegister,
  crashAnswer,
  encodeFailure,
  failureOf,
  isCrash,
  patientConnection,
  QUEUE_NAME,
  type Rejections,
} from '@diskful/conversion/converting'
import { type Job, UnrecoverableError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Conversions } from './conversions.ts'
import type { ConverterMetrics } from './metrics.ts'

const BEAT_MS = 2_000

export interface BullWorkerOptions {
  url: string
  prefix: string
  /** For what is not BullMQ's. */
  redis: Redis
  concurrency: number
  conversions: Conversions
  rejections: Rejections
  metrics: ConverterMetrics
  logger: Logger
}

/** Takes jobs from BullMQ. */
export class BullWorker {
  #options: BullWorkerOptions
  #worker: Worker<ConversionJob, Answer>
  #register: ConverterRegister
  #id = `${hostname()}-${process.pid}-${randomUUID()}`
  #beat: NodeJS.Timeout

  constructor(options: BullWorkerOptions) {
    const { url, prefix, redis, concurrency, logger } = options
    this.#options = options
    this.#worker = new Worker<ConversionJob, Answer>(QUEUE_NAME, job => this.#work(job), {
      connection: patientConnection(url),
      prefix,
      skipVersionCheck: true,
      concurrency,
      // A killed converter is noticed within 15 s; with the defaults it takes a minute.
      lockDuration: 10_000,
      stalledInterval: 5_000,
      maxStalledCount: 2,
      runRetryDelay: 500,
    })
    this.#worker.on('error', error => logger.debug({ error }, 'worker'))
    this.#worker.on('failed', (job, error) => void this.#onFailed(job, error))
    this.#register = new ConverterRegister(redis, prefix)
    this.#beat = setInterval(() => void this.#sayAlive(), BEAT_MS)
    redis.on('ready', () => void this.#sayAlive())
  }

  /** Takes no more jobs; resolves when those under way have ended. */
  async finish(): Promise<void> {
    await this.#worker.close()
  }

  async close(): Promise<void> {
    clearInterval(this.#beat)
    await Promise.allSettled([this.#register.leave(this.#id), this.#worker.close(true)])
  }

  async #work(job: Job<ConversionJob, Answer>): Promise<Answer> {
    try {
      return answerTo(job.data, await this.#options.conversions.work(job.data, job.stalledCounter > 0))
    } catch (error) {
      const failure = failureOf(error)
      const text = encodeFailure(failure)
      throw failure.retry ? new Error(text, { cause: error }) : new UnrecoverableError(text)
    }
  }

  /** BullMQ gives up on a job whose worker died three times. */
  async #onFailed(job: Job<ConversionJob, Answer> | undefined, error: Error): Promise<void> {
    if (!job || !isCrash(error.message)) return
    const { rejections, metrics, logger } = this.#options
    const { requestId, key, nevra, file, format, identity } = job.data
    logger.error({ requestId, key, nevra, file }, 'this package ends its converters; it is refused for a while')
    metrics.ran({ result: 'crashed', format, payload: undefined, seconds: 0, rpmBytes: identity.size })
    await rejections.remember(job.data, crashAnswer(job.data).outcome).catch((failed: unknown) => {
      logger.debug({ error: failed }, 'a refusal was not remembered')
    })
  }

  async #sayAlive(): Promise<void> {
    try {
      await this.#register.beat(this.#id)
    } catch (error) {
      this.#options.logger.debug({ error }, 'Redis did not hear that this converter is alive')
    }
  }
}
