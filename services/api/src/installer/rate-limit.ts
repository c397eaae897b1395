export interface RateLimitOptions {
  /** So many at once. */
  burst: number
  /** One more every so many seconds. */
  secondsEach: number
  /** Keys remembered at most; the longest unused go first. */
  keys?: number
  now?: () => number
}

/** A token bucket a key. */
export class RateLimit {
  readonly #buckets = new Map<string, { tokens: number; at: number }>()
  readonly #burst: number
  readonly #millisecondsEach: number
  readonly #keys: number
  readonly #now: () => number

  constructor({ burst, secondsEach, keys = 10_000, now = () => performance.now() }: RateLimitOptions) {
    this.#burst = burst
    this.#millisecondsEach = secondsEach * 1000
    this.#keys = keys
    this.#now = now
  }

  /** 0 when the caller may go on, otherwise the seconds to wait. */
  take(key: string): number {
    const now = this.#now()
    const last = this.#buckets.get(key) ?? { tokens: this.#burst, at: now }
    const tokens = Math.min(this.#burst, last.tokens + (now - last.at) / this.#millisecondsEach)
    const allowed = tokens >= 1
    this.#buckets.delete(key)
    this.#buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, at: now })
    this.#forgetOldest()
    return allowed ? 0 : Math.max(1, Math.ceil(((1 - tokens) * this.#millisecondsEach) / 1000))
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#keys) return
      this.#buckets.delete(key)
    }
  }
}
