import type { Redis } from 'ioredis'
import type { Logger } from '../logging.ts'
import { ConverterRegister } from './redis.ts'

const FRESH_MS = 500

/** Since when Redis does not answer, and since when no converter is alive; milliseconds of performance.now(). */
export class RedisContact {
  #register: ConverterRegister
  #logger: Logger
  #awaySince: number | undefined = performance.now()
  #idleSince: number | undefined
  #lastError = 'it was not reached yet'
  #checking: Promise<boolean> | undefined
  #checkedAt = Number.NEGATIVE_INFINITY
  converters = 0

  constructor(redis: Redis, prefix: string, logger: Logger) {
    this.#register = new ConverterRegister(redis, prefix)
    this.#logger = logger
  }

  /** Asks Redis, once for all who ask at the same time. @returns whether it answered */
  async check(): Promise<boolean> {
    if (performance.now() - this.#checkedAt < FRESH_MS) return !this.away
    this.#checking ??= this.#ask().finally(() => {
      this.#checking = undefined
    })
    return await this.#checking
  }

  /** Redis is connected (again): what was known before is worth nothing. */
  expire(): void {
    this.#checkedAt = Number.NEGATIVE_INFINITY
  }

  /** A command failed, or the connection broke. */
  lost(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    // What ioredis says of every command while it has no connection hides why it has none.
    if (!message.startsWith("Stream isn't writeable") || this.#awaySince === undefined) this.#lastError = message
    // Nothing is known about converters; they get time to come back after Redis does.
    this.#idleSince = undefined
    if (this.#awaySince !== undefined) return
    this.#awaySince = performance.now()
    this.#logger.warn({ reason: this.#lastError }, 'Redis is away')
  }

  get away(): boolean {
    return this.#awaySince !== undefined
  }

  get error(): string {
    return this.#lastError
  }

  awayFor(): number {
    return this.#awaySince === undefined ? 0 : performance.now() - this.#awaySince
  }

  withoutConverterFor(): number {
    return this.#idleSince === undefined ? 0 : performance.now() - this.#idleSince
  }

  async #ask(): Promise<boolean> {
    try {
      this.converters = await this.#register.count()
      if (this.away) this.#logger.info({ seconds: Math.round(this.awayFor() / 1000) }, 'Redis answers')
      this.#awaySince = undefined
      if (this.converters > 0) this.#idleSince = undefined
      else this.#idleSince ??= performance.now()
      return true
    } catch (error) {
      this.lost(error)
      return false
    } finally {
      this.#checkedAt = performance.now()
    }
  }
}
