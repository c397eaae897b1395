import type { ByteString } from './byte-string.ts'

/** NUL-terminated strings back to back, decoded one at a time: 200,000 of them are otherwise as many objects. */
export class StringColumn implements Iterable<ByteString> {
  readonly length: number
  readonly #data: Buffer
  /** Where each string begins, and where the next one would. */
  readonly #starts: Uint32Array

  constructor(data: Buffer, offset: number, count: number) {
    this.length = count
    this.#data = data
    this.#starts = new Uint32Array(count + 1)
    let at = offset
    for (let k = 0; k < count; k++) {
      this.#starts[k] = at
      while (at < data.length && data[at] !== 0) at++
      at++
    }
    this.#starts[count] = at
  }

  at(k: number): ByteString {
    const start = this.#starts[k]!
    const end = this.#starts[k + 1]! - 1
    return start === end ? '' : this.#data.toString('latin1', start, end)
  }

  *[Symbol.iterator](): Generator<ByteString, void, undefined> {
    for (let k = 0; k < this.length; k++) yield this.at(k)
  }

  /** Without a copy. */
  bytes(k: number): Buffer {
    return this.#data.subarray(this.#starts[k]!, this.#starts[k + 1]! - 1)
  }

  /** Bytes of string k. */
  size(k: number): number {
    return this.#starts[k + 1]! - this.#starts[k]! - 1
  }

  isEmpty(k: number): boolean {
    return this.size(k) === 0
  }
}
