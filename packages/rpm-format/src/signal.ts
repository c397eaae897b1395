/** Wakes the one who waits. Who wakes before anybody waits is not heard: look first, then wait. */
export class Signal {
  #heard = () => {}

  wait(): Promise<void> {
    return new Promise(resolve => {
      this.#heard = resolve
    })
  }

  give(): void {
    this.#heard()
  }
}
