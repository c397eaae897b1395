import type { ConversionJob, Logger } from '@diskful/conversion'
import {
  answerTo,
  type FromConverter,
  failureOf,
  type ToConverter,
  type UsageLog,
} from '@diskful/conversion/converting'
import type { Conversions } from './conversions.ts'

const BEAT_MS = 2_000

export interface IpcWorkerOptions {
  conversions: Conversions
  usage: UsageLog
  concurrency: number
  logger: Logger
  /** The parent asks for the end. */
  onStop: () => void
}

/** Takes jobs from the process that started this one. */
export class IpcWorker {
  #options: IpcWorkerOptions
  #running = new Set<Promise<void>>()
  #beat: NodeJS.Timeout
  #onMessage = (message: unknown) => this.#take(message as ToConverter)

  constructor(options: IpcWorkerOptions) {
    this.#options = options
    process.on('message', this.#onMessage)
    this.#tell({ type: 'ready', concurrency: options.concurrency })
    this.#beat = setInterval(() => this.#tell({ type: 'alive' }), BEAT_MS)
  }

  /** Resolves when the conversions under way have ended. */
  async finish(): Promise<void> {
    await Promise.all(this.#running)
  }

  async close(): Promise<void> {
    clearInterval(this.#beat)
    process.off('message', this.#onMessage)
  }

  #take(message: ToConverter): void {
    if (message.type === 'convert') {
      const work = this.#work(message.job).finally(() => this.#running.delete(work))
      this.#running.add(work)
    } else if (message.type === 'used') void this.#options.usage.record(new Map(message.ages))
    else this.#options.onStop()
  }

  async #work(job: ConversionJob): Promise<void> {
    const { key } = job
    try {
      this.#tell({ type: 'answer', key, answer: answerTo(job, await this.#options.conversions.work(job, false)) })
    } catch (error) {
      this.#tell({ type: 'failed', key, failure: failureOf(error) })
    }
  }

  #tell(message: FromConverter): void {
    // The parent is gone then, which ends this process by another way.
    process.send?.(message, undefined, undefined, error => {
      if (error) this.#options.logger.debug({ error }, 'the parent did not hear that')
    })
  }
}
