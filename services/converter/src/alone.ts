/**
 * Lets work run side by side, except suspects: a conversion under which a process died runs alone, so that it takes no
 * other down with it and no other is blamed for it.
 */
export class Alone {
  #running = 0
  #exclusive = false
  #waiting: { suspect: boolean; start: () => void }[] = []

  async run<T>(suspect: boolean, work: () => Promise<T>): Promise<T> {
    await this.#turn(suspect)
    try {
      return await work()
    } finally {
      this.#running--
      this.#exclusive = false
      this.#next()
    }
  }

  async #turn(suspect: boolean): Promise<void> {
    await new Promise<void>(start => {
      this.#waiting.push({ suspect, start })
      this.#next()
    })
  }

  /** First come, first served, so that a suspect gets its turn. */
  #next(): void {
    for (let first = this.#waiting[0]; first && this.#mayStart(first.suspect); first = this.#waiting[0]) {
      this.#waiting.shift()
      this.#running++
      this.#exclusive = first.suspect
      first.start()
    }
  }

  #mayStart(suspect: boolean): boolean {
    return !this.#exclusive && (!suspect || this.#running === 0)
  }
}
