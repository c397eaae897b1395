import { free } from './chunk-memory.ts'

const nothing = Buffer.alloc(0)
const smallestGathered = 16 * 1024
const growth = 4

/**
 * Exact reads over chunks of any size. What lies in one chunk is handed out without a copy, and by the try… methods
 * without a promise. A chunk is done with when the next one is asked for.
 */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array, unknown, undefined>
  readonly #truncated: (position: number, what: string) => Error
  readonly #reuse: boolean
  #chunk: Buffer = nothing
  #at = 0
  #read = 0

  /**
   * `truncated` makes the error for an input that ends before `what` does. With `reuse`, chunks are freed when they are
   * done with.
   */
  constructor(
    chunks: AsyncIterator<Uint8Array, unknown, undefined>,
    truncated: (position: number, what: string) => Error,
    reuse = false,
  ) {
    this.#chunks = chunks
    this.#truncated = truncated
    this.#reuse = reuse
  }

  /** Bytes handed out so far. */
  get position(): number {
    return this.#read - (this.#chunk.length - this.#at)
  }

  /** Bytes that can be read without waiting. */
  get available(): number {
    return this.#chunk.length - this.#at
  }

  /** `length` bytes if they are there already, in one piece. */
  tryRead(length: number): Buffer | undefined {
    const end = this.#at + length
    if (end > this.#chunk.length) return undefined
    const bytes = this.#chunk.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  /** Passes over `length` bytes, which the caller has seen to be there. */
  skip(length: number): void {
    this.#at += length
  }

  /** As `tryRead`, without consuming what it gives. */
  tryPeek(length: number): Buffer | undefined {
    return length <= this.available ? this.#chunk.subarray(this.#at, this.#at + length) : undefined
  }

  /** Exactly `length` bytes. Memory grows with what arrives, not with what was asked for. */
  async read(length: number, what: string): Promise<Buffer> {
    const bytes = this.tryRead(length)
    if (bytes) return bytes
    let gathered = Buffer.allocUnsafeSlow(Math.min(length, smallestGathered))
    for (let filled = 0; filled < length; ) {
      const piece = this.tryTake(length - filled) ?? (await this.take(length - filled))
      if (!piece) throw this.#truncated(this.position, what)
      if (filled + piece.length > gathered.length) {
        const larger = Buffer.allocUnsafeSlow(Math.min(length, growth * (filled + piece.length)))
        larger.set(gathered.subarray(0, filled))
        gathered = larger
      }
      gathered.set(piece, filled)
      filled += piece.length
    }
    return gathered
  }

  /** Between 1 and `most` bytes if any are there already. */
  tryTake(most: number): Buffer | undefined {
    if (this.#at >= this.#chunk.length) return undefined
    const piece = this.#chunk.subarray(this.#at, this.#at + most)
    this.#at += piece.length
    return piece
  }

  /** Between 1 and `most` bytes, undefined at the end. */
  async take(most: number): Promise<Buffer | undefined> {
    return this.tryTake(most) ?? ((await this.#fill()) ? this.tryTake(most) : undefined)
  }

  /** The next `length` bytes, or fewer at the end, without consuming them. */
  async peek(length: number): Promise<Buffer> {
    while (this.#chunk.length - this.#at < length) {
      const rest = Buffer.from(this.#chunk.subarray(this.#at))
      if (!(await this.#fill())) break
      if (rest.length > 0) this.#chunk = Buffer.concat([rest, this.#chunk])
    }
    return this.#chunk.subarray(this.#at, this.#at + length)
  }

  /** At least `length` bytes become available. */
  async demand(length: number, what: string): Promise<void> {
    const { length: found } = await this.peek(length)
    if (found < length) throw this.#truncated(this.#read, what)
  }

  /** Puts back the tail of what was taken last. */
  unread(length: number): void {
    this.#at -= length
  }

  /** All that is left, chunk by chunk. Ending early closes nothing: what is left can still be read. */
  async *rest(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const piece = await this.take(Number.MAX_SAFE_INTEGER)
      if (!piece) return
      yield piece
    }
  }

  truncated(what: string): Error {
    return this.#truncated(this.position, what)
  }

  /** Releases what the chunks come from. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  /** On failure (the end) the current chunk stays as it is. */
  async #fill(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#chunks.next()
      if (done) return false
      if (value.length === 0) continue
      if (this.#reuse) free(this.#chunk)
      this.#chunk = Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      this.#at = 0
      this.#read += value.length
      return true
    }
  }
}
