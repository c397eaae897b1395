/** A map that forgets what was put in first once it holds as much as it may. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  set(key: K, value: V): void {
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= this.#most && oldest !== undefined && !this.#entries.has(key))
      this.#entries.delete(oldest)
    this.#entries.set(key, value)
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }
}
