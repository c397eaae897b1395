import { createHash, type Hash, hash } from 'node:crypto'
import type { ByteReader } from './byte-reader.ts'
import { quoted } from './byte-string.ts'
import { RpmError } from './errors.ts'
import type { FileInfo } from './files.ts'

/** The bytes of one entry: iterate, or pull, once. What is left unread when the next entry is asked for is skipped. */
export interface Content extends AsyncIterable<Uint8Array> {
  readonly size: number
  /** The next piece, undefined at the end. A promise only where the piece has still to be decompressed. */
  pull(): Uint8Array | undefined | Promise<Uint8Array | undefined>
}

/** Hands out a file's bytes and checks its digest before the last piece is given away. */
export class FileContent implements Content {
  readonly size: number
  readonly #file: FileInfo
  readonly #reader: ByteReader
  readonly #algorithm: string
  #left: number
  #hash: Hash | undefined
  #closed = false

  constructor(file: FileInfo, size: number, reader: ByteReader, algorithm: string) {
    this.size = size
    this.#file = file
    this.#reader = reader
    this.#algorithm = algorithm
    this.#left = size
    if (size === 0) this.#compare(() => hash(algorithm, '', 'hex'))
  }

  pull(): Buffer | undefined | Promise<Buffer | undefined> {
    if (this.#closed) throw new Error(`the content of ${quoted(this.#file.path)} is gone: the next entry was asked for`)
    if (this.#left === 0) return undefined
    const piece = this.#reader.tryTake(this.#left)
    return piece ? this.#pass(piece) : this.#await()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const pulled = this.pull()
      const piece = pulled instanceof Promise ? await pulled : pulled
      if (!piece) return
      yield piece
    }
  }

  /** Reads what the consumer left. */
  async finish(): Promise<void> {
    while (this.#left > 0) await this.pull()
    this.#closed = true
  }

  async #await(): Promise<Buffer> {
    const piece = await this.#reader.take(this.#left)
    if (!piece) throw this.#reader.truncated(`content of ${quoted(this.#file.path)}`)
    return this.#pass(piece)
  }

  #pass(piece: Buffer): Buffer {
    this.#left -= piece.length
    if (this.#left === 0 && !this.#hash) {
      this.#compare(() => hash(this.#algorithm, piece, 'hex'))
    } else if (this.#file.digest !== '') {
      this.#hash ??= createHash(this.#algorithm)
      this.#hash.update(piece)
      if (this.#left === 0) this.#compare(() => this.#hash!.digest('hex'))
    }
    return piece
  }

  #compare(digest: () => string): void {
    const expected = this.#file.digest
    if (expected === '') return
    // Old writers put zeros for empty files.
    if (this.size === 0 && /^0+$/.test(expected)) return
    const actual = digest()
    if (actual === expected) return
    throw new RpmError(
      'file-digest-mismatch',
      `the content of ${quoted(this.#file.path)} has the ${this.#algorithm} ${actual}, the header says ${expected}`,
      {
        offset: this.#reader.position,
      },
    )
  }
}

export const noContent: Content = {
  size: 0,
  pull: () => undefined,
  async *[Symbol.asyncIterator]() {},
}
