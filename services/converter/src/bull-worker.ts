import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { ConversionJob, Logger } from '@diskful/conversion'
import {
  type Answer,
  answerTo,
  ConverterRegister,
  encodeFailure,
  failureOf,
  patientConnection,
  QUEUE_NAME,
} from '@diskful/conversion/converting'
import { type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Conversions } from './conversions.ts'

const BEAT_MS = 2_000
const STALLS = 100

export interface BullWorkerOptions {
  url: string
  prefix: string
  /** For what is not BullMQ's. */
  redis: Redis
  concurrency: number
  conversions: Conversions
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
    this.#worker = new Worker<ConversionJob, Answer>(QUEUE_NAME, (job, token) => this.#work(job, token), {
      connection: patientConnection(url),
      prefix,
      skipVersionCheck: true,
      concurrency,
      // A killed converter is noticed within 15 s; with the defaults it takes a minute.
      lockDuration: 10_000,
      stalledInterval: 5_000,
      // Conversions know when one ended its process too often; this also counts those that only waited in it.
      maxStalledCount: STALLS,
      runRetryDelay: 500,
    })
    this.#worker.on('error', error => logger.debug({ error }, 'worker'))
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

  async #work(job: Job<ConversionJob, Answer>, token: string | undefined): Promise<Answer> {
    try {
      return answerTo(job.data, await this.#options.conversions.work(job.data, job.stalledCounter > 0))
    } catch (error) {
      const failure = failureOf(error)
      if (failure.code === 'shutting-down') await this.#giveBack(job, token)
      const text = encodeFailure(failure)
      throw failure.retry ? new Error(text, { cause: error }) : new UnrecoverableError(text)
    }
  }

  /** Left to another converter; that this one is asked to end is no failed try. */
  async #giveBack(job: Job<ConversionJob, Answer>, token: string | undefined): Promise<never> {
    await job.moveToWait(token)
    throw new WaitingError()
  }

  async #sayAlive(): Promise<void> {
    try {
      await this.#register.beat(this.#id)
    } catch (error) {
      this.#options.logger.debug({ error }, 'Redis did not hear that this converter is alive')
    }
  }
}
