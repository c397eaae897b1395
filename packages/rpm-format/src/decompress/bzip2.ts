import { ByteReader } from '../byte-reader.ts'
import { RpmError } from '../errors.ts'
import { type Bits, Bzip2Block, blockMagic, corruptBzip2, endMagic } from './bzip2-block.ts'
import { outputChunkSize } from './zlib-stream.ts'

/** No block is longer: 18002 groups of 50 symbols of 20 bits, and the tables before them. */
const longestBlock = 2_400_000

/** The first bzip2 stream, as rpm reads it; anything but zeros behind it is refused. */
export async function* bunzip2(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  const reader = new ByteReader(
    input[Symbol.asyncIterator](),
    (_, what) => new RpmError('truncated-payload', `the bzip2 stream ends within its ${what}`),
  )
  const level = (await reader.read(4, 'header')).toString('latin1', 3)
  if (!/[1-9]/.test(level)) throw corruptBzip2(`the block size ${JSON.stringify(level)}`)
  const block = new Bzip2Block(Number(level) * 100_000)
  const window = new Window(reader)
  let streamCrc = 0

  for (;;) {
    await window.fill()
    const magic = window.bits(24) * 2 ** 24 + window.bits(24)
    if (magic === endMagic) break
    if (magic !== blockMagic) throw corruptBzip2('no block where one should begin')
    block.read(window)
    yield* inChunks(block.bytes())
    streamCrc = ((streamCrc << 1) | (streamCrc >>> 31)) ^ block.checkedCrc()
  }
  if (window.bits(16) * 2 ** 16 + window.bits(16) !== streamCrc >>> 0)
    throw corruptBzip2('the CRC of the stream does not hold')
  await window.onlyZeros()
}

function* inChunks(bytes: Generator<Uint8Array, void, undefined>): Generator<Buffer, void, undefined> {
  let chunk: Buffer | undefined
  let filled = 0
  for (const piece of bytes) {
    chunk ??= Buffer.allocUnsafeSlow(outputChunkSize)
    chunk.set(piece, filled)
    filled += piece.length
    if (outputChunkSize - filled >= piece.buffer.byteLength) continue
    yield chunk.subarray(0, filled)
    chunk = undefined
    filled = 0
  }
  if (chunk) yield chunk.subarray(0, filled)
}

/** Enough input for a whole block, read bit by bit, high bits first. */
class Window implements Bits {
  readonly #reader: ByteReader
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #held = 0
  #count = 0

  constructor(reader: ByteReader) {
    this.#reader = reader
  }

  async fill(): Promise<void> {
    if (this.#bytes.length - this.#at >= longestBlock) return
    const pieces = [this.#bytes.subarray(this.#at)]
    let length = pieces[0]!.length
    while (length < 2 * longestBlock) {
      const piece = await this.#reader.take(2 * longestBlock)
      if (!piece) break
      pieces.push(piece)
      length += piece.length
    }
    if (pieces.length === 1) return
    this.#bytes = Buffer.concat(pieces)
    this.#at = 0
  }

  /** Up to 24 bits. */
  bits(count: number): number {
    while (this.#count < count) {
      if (this.#at >= this.#bytes.length) throw this.#reader.truncated('blocks')
      this.#held = ((this.#held << 8) | this.#bytes[this.#at++]!) >>> 0
      this.#count += 8
    }
    this.#count -= count
    const value = this.#held >>> this.#count
    this.#held &= (1 << this.#count) - 1
    return value
  }

  async onlyZeros(): Promise<void> {
    let clean = this.#bytes.subarray(this.#at).every(byte => byte === 0)
    for await (const piece of this.#reader.rest()) clean &&= piece.every(byte => byte === 0)
    if (!clean) throw new RpmError('trailing-data', 'the bzip2 stream is followed by something else')
  }
}
