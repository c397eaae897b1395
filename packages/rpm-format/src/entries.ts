import { ArchiveReader, largestArchive, type PayloadEntry } from './archive.ts'
import { ByteReader } from './byte-reader.ts'
import { decompress } from './decompress/decompress.ts'
import { type Compression, sniff, sniffSize } from './decompress/sniff.ts'
import type { Strength } from './digest-algorithms.ts'
import { RpmError, type Warning, warn } from './errors.ts'
import { limitsOf, type ReadOptions } from './limits.ts'
import { type HeaderOptions, type RpmPackage, readHeaders, sourceReader } from './package.ts'
import { type DigestResult, failedDigests, PayloadDigester, payloadDigests } from './payload-digests.ts'
import { announcedSizes } from './payload-sizes.ts'
import type { Source } from './source.ts'

/** Decompressing so much takes longer than to start a thread. */
const worthThreads = 16 * 1024 * 1024

/** Known once every entry was read and every digest held. */
export interface PayloadOutcome {
  /** The strongest digest that covered the payload and held. */
  readonly checked: Strength
  /** As the payload's magic says. */
  readonly compressor: Compression
  /** Uncompressed archive bytes, trailer and padding included. */
  readonly archiveBytes: number
  /** Those of the package's headers and those of its payload. */
  readonly warnings: readonly Warning[]
}

/** A package whose headers are read and whose payload can be read once, in the order of the archive. */
export interface OpenPackage {
  readonly package: RpmPackage
  /** Ends normally only if every digest held; breaking out of the loop frees everything. */
  entries(): AsyncGenerator<PayloadEntry, void, undefined>
  /** The same, as many at a time as lie in memory: for packages with very many files. Contents are good until the next batch. */
  batches(): AsyncGenerator<readonly PayloadEntry[], void, undefined>
  /** undefined until entries() ended normally. */
  readonly outcome: PayloadOutcome | undefined
  /** Frees everything without reading the payload. */
  close(): Promise<void>
}

/** Every file in the payload with its content; all digests are checked, a mismatch throws at the end. */
export async function* entries(
  source: Source,
  options: ReadOptions = {},
): AsyncGenerator<PayloadEntry, void, undefined> {
  const opened = await openPackage(source, options)
  yield* opened.entries()
}

/** One pass over the source: headers first, then entries. */
export function openPackage(source: Source, options: ReadOptions = {}): Promise<OpenPackage> {
  return openReading(source, options)
}

export async function openReading(source: Source, options: HeaderOptions): Promise<PayloadReading> {
  const closing = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, closing.signal]) : closing.signal
  const reader = sourceReader(source, { ...options, signal })
  const close = async () => {
    // A source that is waiting for bytes must not keep us.
    closing.abort()
    await reader.close()
  }
  try {
    const described = await readHeaders(reader, options)
    return new PayloadReading(described, reader, options, close)
  } catch (error) {
    await close()
    throw error
  }
}

/** Bytes behind the announced end of a payload that are read to tell damage from malice. */
const farTooLong = 16 * 1024 * 1024

export class PayloadReading implements OpenPackage {
  readonly package: RpmPackage
  readonly close: () => Promise<void>
  outcome: PayloadOutcome | undefined
  /** Of the payload, once it was read to its end. */
  digests: readonly DigestResult[] = []
  onCompressed: (chunk: Uint8Array) => void = () => {}
  readonly #reader: ByteReader
  readonly #options: ReadOptions
  readonly #digester: PayloadDigester
  #compressedBytes = 0
  #archiveBytes = 0
  #archive: ByteReader | undefined
  #started = false
  #diagnosed = false

  constructor(described: RpmPackage, reader: ByteReader, options: ReadOptions, close: () => Promise<void>) {
    this.package = described
    this.close = close
    this.#reader = reader
    this.#options = options
    this.#digester = new PayloadDigester(payloadDigests(described.header, described.signature), described.header.bytes)
  }

  async *entries(): AsyncGenerator<PayloadEntry, void, undefined> {
    for await (const batch of this.batches()) {
      for (const entry of batch) {
        yield entry
        const finishing = entry.content.finish()
        if (finishing) await finishing
      }
    }
  }

  async *batches(): AsyncGenerator<readonly PayloadEntry[], void, undefined> {
    if (this.#started) throw new Error('the entries of a package can be read once')
    this.#started = true
    let archive: AsyncIterator<Uint8Array, unknown, undefined> | undefined
    try {
      const warnings = [...this.package.warnings]
      const compressor = await this.#compression(warnings)
      const predicted = largestArchive(this.package.files)
      archive = decompress(this.#compressed(), compressor, limitsOf(this.#options), {
        reuse: this.#options.reuseChunks,
        large: predicted > worthThreads,
      })
      this.#archive = new ByteReader(
        this.#measured(archive, predicted),
        (position, what) =>
          new RpmError('truncated-payload', `the archive ends at byte ${position}, within the ${what}`, {
            offset: position,
          }),
      )
      const joined = new ArchiveReader(this.#archive, {
        files: this.package.files,
        lenient: this.#options.lenient ?? false,
        diagnose: error => this.#diagnosis(error),
        warnings,
      })
      for (let batch = await joined.batch(); batch.length > 0; batch = await joined.batch()) yield batch
      await this.#drain()
      this.outcome = { checked: this.#verdict(warnings), compressor, archiveBytes: this.#archiveBytes, warnings }
    } catch (error) {
      throw await this.#diagnosis(error)
    } finally {
      const released = archive?.return?.()
      await this.close()
      await released
    }
  }

  async #compression(warnings: Warning[]): Promise<Compression> {
    const { payload } = this.package
    if (payload.format !== 'cpio') {
      throw new RpmError(
        'unknown-archive',
        `the payload is of the format ${JSON.stringify(payload.format)}; rpm writes cpio`,
      )
    }
    const found = sniff(await this.#reader.peek(sniffSize), payload.offset)
    const named = payload.compressor
    if (named !== undefined && named !== found && !(named === 'lzma' && found === 'xz')) {
      warn(warnings, {
        code: 'compressor-differs',
        message: `the header names the compressor ${JSON.stringify(named)}, the payload is ${found}`,
      })
    }
    return found
  }

  async *#compressed(): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of this.#reader.rest()) {
      this.#compressedBytes += chunk.length
      this.#digester.compressed(chunk)
      this.onCompressed(chunk)
      yield chunk
    }
  }

  /** Stops what is longer than the header predicts: a bomb costs no more than the package that it claims to be. */
  async *#measured(
    archive: AsyncIterator<Uint8Array, unknown, undefined>,
    predicted: number,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const limits = limitsOf(this.#options)
    for (;;) {
      const { done, value } = await archive.next()
      if (done) return
      this.#archiveBytes += value.length
      const total = this.#archiveBytes
      if (total > predicted) {
        throw new RpmError(
          'payload-too-large',
          `the archive is longer than the ${predicted} bytes that the header's files can fill`,
        )
      }
      if (total > limits.archiveBytes) {
        throw new RpmError('payload-too-large', `the archive is longer than the allowed ${limits.archiveBytes} bytes`)
      }
      if (total > limits.ratioFrom && total > limits.ratio * this.#compressedBytes) {
        throw new RpmError(
          'payload-too-large',
          `the archive is more than ${limits.ratio} times as long as its compressed form`,
        )
      }
      this.#digester.uncompressed(value)
      yield value
    }
  }

  /** What the decompressor had no use for is covered by the digests all the same. */
  async #drain(): Promise<void> {
    for await (const _ of this.#compressed());
  }

  #verdict(warnings: Warning[]): Strength {
    const results = this.#digester.results()
    this.#diagnosed = true
    this.digests = results
    const [failed] = failedDigests(results)
    if (failed) throw this.#mismatch(failed)
    this.#compareSizes(warnings)
    const held = results.filter(({ holds }) => holds)
    if (held.some(({ strength }) => strength === 'strong')) return 'strong'
    return held.length > 0 ? 'weak' : 'none'
  }

  #compareSizes(warnings: Warning[]): void {
    const announced = announcedSizes(this.package)
    const compare = (what: string, expected: number | undefined, actual: number) => {
      if (expected === undefined || expected === actual) return
      const message = `${what} is ${actual} bytes long, the headers say ${expected}`
      if (this.package.format === 6) throw new RpmError('size-mismatch', message)
      warn(warnings, { code: 'size-tag-differs', message })
    }
    compare('the payload', announced.compressed, this.#compressedBytes)
    compare('the archive', announced.uncompressed, this.#archiveBytes)
  }

  /**
   * A damaged payload fails wherever the damage lies: the decompressor, a name, a digest of a file. If the digest of
   * the whole does not hold either, the package is damaged, not made badly.
   */
  async #diagnosis(error: unknown): Promise<unknown> {
    if (this.#diagnosed || !(error instanceof RpmError)) return error
    this.#diagnosed = true
    const cause = await this.#decompressorError(error)
    if (await this.#isFarTooLong()) return cause
    this.digests = this.#digester.results()
    const failed = this.digests.find(({ holds, covers }) => !holds && covers !== 'uncompressed-payload')
    return failed ? this.#mismatch(failed, cause) : cause
  }

  /**
   * Reads on to the payload's end, or to where it is far longer than the headers say, which may be for ever: then it is
   * made badly, and no digest is asked, since how much of it was read depends on chunks.
   */
  async #isFarTooLong(): Promise<boolean> {
    const { compressed: announced = limitsOf(this.#options).archiveBytes } = announcedSizes(this.package)
    const most = announced + farTooLong
    if (this.#compressedBytes > most) return true
    for await (const _ of this.#compressed()) if (this.#compressedBytes > most) return true
    return false
  }

  /** Whether a decompressor stumbles before or after its consumer does depends on chunks; here it always comes first. */
  async #decompressorError(error: RpmError): Promise<RpmError> {
    try {
      for await (const _ of this.#archive?.rest() ?? []);
      return error
    } catch (other) {
      if (other instanceof RpmError && other.code !== 'payload-too-large') return other
      if (other instanceof RpmError) return error
      throw other
    }
  }

  #mismatch(failed: DigestResult, cause?: RpmError): RpmError {
    const { compressed } = announcedSizes(this.package)
    const { payload } = this.package
    const facts = { offset: cause?.offset ?? payload.offset, cause }
    if (compressed !== undefined && this.#compressedBytes < compressed) {
      return new RpmError(
        'truncated-payload',
        `the payload ends after ${this.#compressedBytes} of ${compressed} bytes`,
        facts,
      )
    }
    if (compressed === undefined && cause?.code === 'truncated-payload') return cause
    const also = cause ? `; so ${cause.message}` : ''
    return new RpmError(
      'payload-digest-mismatch',
      `the ${failed.name} of the ${failed.covers} is ${failed.actual}, the headers say ${failed.expected.slice(0, 128)}${also}`,
      facts,
    )
  }
}
