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
  /** Reads what is left, to check it; a promise only where that takes waiting. */
  finish(): Promise<void> | undefined
}

export interface FileContentOptions {
  readonly file: FileInfo
  readonly size: number
  /** All of it, where it lies in memory; else it is what the reader gives next. */
  readonly piece: Buffer | undefined
  readonly reader: ByteReader
  /** As node:crypto names it. */
  readonly algorithm: string
  /** What to throw for an error: the damage that it is a symptom of. */
  readonly diagnose: (error: unknown) => Promise<unknown>
}

/** Hands out a file's bytes and checks its digest before the last piece is given away. */
export class FileContent implements Content {
  readonly size: number
  readonly #options: FileContentOptions
  #piece: Buffer | undefined
  #left: number
  #hash: Hash | undefined
  #failure: Promise<never> | undefined
  #closed = false

  constructor(options: FileContentOptions) {
    this.size = options.size
    this.#options = options
    this.#piece = options.piece
    this.#left = options.size
    if (options.size === 0) this.#compare(() => hash(options.algorithm, '', 'hex'))
  }

  get inMemory(): boolean {
    return this.#options.piece !== undefined
  }

  pull(): Buffer | undefined | Promise<Buffer | undefined> {
    const { file, reader } = this.#options
    if (this.#failure) return this.#failure
    if (this.#closed) throw new Error(`the content of ${quoted(file.path)} is gone: the next entry was asked for`)
    if (this.#left === 0) return undefined
    const piece = this.#piece ?? reader.tryTake(this.#left)
    if (!piece) return this.#await()
    this.#piece = undefined
    try {
      return this.#pass(piece)
    } catch (error) {
      return this.#fail(error)
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const pulled = this.pull()
      const piece = pulled instanceof Promise ? await pulled : pulled
      if (!piece) return
      yield piece
    }
  }

  finish(): Promise<void> | undefined {
    // A failure stays, and is met below.
    if (this.#piece && this.#left > 0 && !this.#failure) void this.pull()
    if (this.#left > 0 || this.#failure) return this.#readLeft()
    this.#closed = true
    return undefined
  }

  async #readLeft(): Promise<void> {
    while (this.#left > 0 || this.#failure) await this.pull()
    this.#closed = true
  }

  async #await(): Promise<Buffer> {
    const { file, reader } = this.#options
    try {
      const piece = await reader.take(this.#left)
      if (!piece) throw reader.truncated(`content of ${quoted(file.path)}`)
      return this.#pass(piece)
    } catch (error) {
      return this.#fail(error)
    }
  }

  #fail(error: unknown): Promise<never> {
    this.#failure = this.#options.diagnose(error).then(diagnosis => {
      throw diagnosis
    })
    return this.#failure
  }

  #pass(piece: Buffer): Buffer {
    const { file, algorithm } = this.#options
    this.#left -= piece.length
    if (this.#left === 0 && !this.#hash) {
      this.#compare(() => hash(algorithm, piece, 'hex'))
    } else if (file.digest !== '') {
      this.#hash ??= createHash(algorithm)
      this.#hash.update(piece)
      if (this.#left === 0) this.#compare(() => this.#hash!.digest('hex'))
    }
    return piece
  }

  #compare(digest: () => string): void {
    const { file, algorithm, reader } = this.#options
    const expected = file.digest
    if (expected === '') return
    // Old writers put zeros for empty files.
    if (this.size === 0 && /^0+$/.test(expected)) return
    const actual = digest()
    if (actual === expected) return
    throw new RpmError(
      'file-digest-mismatch',
      `the content of ${quoted(file.path)} has the ${algorithm} ${actual}, the header says ${expected}`,
      { offset: reader.position },
    )
  }
}

export const noContent: Content = {
  size: 0,
  pull: () => undefined,
  finish: () => undefined,
  async *[Symbol.asyncIterator]() {},
}
