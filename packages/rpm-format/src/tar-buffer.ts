const CHUNK = 128 * 1024
/** From here on a piece goes out as it is instead of being copied. */
const LARGE = 32 * 1024
const nothing: readonly Uint8Array[] = []

/** Gathers headers, small files and padding into chunks worth passing on; large pieces go through uncopied. */
export class TarBuffer {
  /** Members so far. */
  headers = 0
  bytes = 0
  readonly #reuse: boolean
  #chunk: Buffer = Buffer.allocUnsafeSlow(2 * CHUNK)
  #used = 0

  /** `reuseChunks`: what take() gave is good until it is called again. */
  constructor({ reuseChunks = false }: { reuseChunks?: boolean | undefined }) {
    this.#reuse = reuseChunks
  }

  /** There is at least a chunk to take. */
  get isFull(): boolean {
    return this.#used >= CHUNK
  }

  header(bytes: Uint8Array): void {
    this.headers++
    this.add(bytes)
  }

  add(bytes: Uint8Array): void {
    this.bytes += bytes.length
    if (this.#used + bytes.length > this.#chunk.length) this.#grow(bytes.length)
    this.#chunk.set(bytes, this.#used)
    this.#used += bytes.length
  }

  /** What is gathered; a new chunk begins. */
  take(): Uint8Array {
    const chunk = this.#chunk.subarray(0, this.#used)
    if (!this.#reuse) this.#chunk = Buffer.allocUnsafeSlow(2 * CHUNK)
    this.#used = 0
    return chunk
  }

  /** Adds a piece of content; gives what has to leave now, before anything else is added. */
  put(piece: Uint8Array): readonly Uint8Array[] {
    if (piece.length < LARGE) {
      this.add(piece)
      return this.isFull ? [this.take()] : nothing
    }
    this.bytes += piece.length
    return this.#used > 0 ? [this.take(), piece] : [piece]
  }

  /** For headers with enormous pax records only: everything else is taken in time. */
  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(2 * (this.#chunk.length + needed))
    larger.set(this.#chunk.subarray(0, this.#used))
    this.#chunk = larger
  }
}
