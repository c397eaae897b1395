import type { Warning } from './errors.ts'
import { RpmError } from './errors.ts'
import type { FileInfo } from './files.ts'
import type { ReadOptions } from './limits.ts'
import type { RpmPackage, Strength } from './package.ts'
import type { Source } from './source.ts'

/** The bytes of one entry: iterate, or pull, once. What is left unread when the next entry is asked for is skipped. */
export interface Content extends AsyncIterable<Uint8Array> {
  readonly size: number
  /** The next piece, undefined at the end. A promise only where the piece has still to be decompressed. */
  pull(): Uint8Array | undefined | Promise<Uint8Array | undefined>
}

export interface PayloadEntry {
  readonly file: FileInfo
  /** The other names of its hardlink set, in header order. */
  readonly links: readonly FileInfo[]
  /** Empty unless `file` is a regular file. */
  readonly content: Content
}

/** Known once every entry was read and every digest held. */
export interface PayloadOutcome {
  /** The strongest digest that covered the payload and held. */
  readonly checked: Strength
  /** gzip, bzip2, xz, lzma, zstd or none, as the payload's magic says. */
  readonly compressor: string
  /** Uncompressed archive bytes, trailer and padding included. */
  readonly archiveBytes: number
  readonly warnings: readonly Warning[]
}

/** A package whose headers are read and whose payload can be read once, in the order of the archive. */
export interface OpenPackage {
  readonly package: RpmPackage
  /** Ends normally only if every digest held; breaking out of the loop frees everything. */
  entries(): AsyncGenerator<PayloadEntry, void, undefined>
  /** undefined until entries() ended normally. */
  readonly outcome: PayloadOutcome | undefined
  /** Frees everything without reading the payload. */
  close(): Promise<void>
}

/** One pass over the source: headers first, then entries. */
export async function openPackage(_source: Source, _options: ReadOptions = {}): Promise<OpenPackage> {
  throw new RpmError('not-an-rpm', 'openPackage is being written')
}

/** Every file in the payload with its content; all digests are checked, a mismatch throws at the end. */
export async function* entries(
  source: Source,
  options: ReadOptions = {},
): AsyncGenerator<PayloadEntry, void, undefined> {
  const opened = await openPackage(source, options)
  yield* opened.entries()
}
