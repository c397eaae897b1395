/** Does rounds of work, one after another, for as long as there is any. Jittered: many processes share one Redis. */
export class Watchdog {
  #everyMs: number
  #round: () => Promise<void>
  #needed: () => boolean
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  /** @param round never rejects */
  constructor(everyMs: number, round: () => Promise<void>, needed: () => boolean) {
    this.#everyMs = everyMs
    this.#round = round
    this.#needed = needed
  }

  /** There is work: a round comes within the usual time, if none is due anyway. */
  begin(): void {
    if (this.#timer === undefined) this.#schedule(this.#everyMs)
  }

  /** Something happened that concerns all: a round comes now. */
  wake(): void {
    clearTimeout(this.#timer)
    this.#schedule(0)
  }

  /** Resolves when the round under way is over. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #schedule(ms: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#running = this.#running.then(this.#round).then(() => {
          if (this.#needed()) this.begin()
        })
      },
      ms * (0.8 + 0.4 * Math.random()),
    )
  }
}
