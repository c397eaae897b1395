import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ByteReader } from '../byte-reader.ts'
import { RpmError } from '../errors.ts'
import { type CheckType, checkSizes } from './xz-check.ts'
import { type BlockHeader, encodeNumber, parseBlockHeader, parseStreamFlags } from './xz-container.ts'

/** What the container says about a block; sizes are known once its chunks have been walked. */
export class WalkedBlock {
  readonly header: BlockHeader
  readonly #headerSize: number
  /** Bytes of its LZMA2 chunks. */
  compressed = 0
  /** Bytes that its chunks announce. */
  promised = 0
  stored: Buffer = Buffer.alloc(0)

  constructor(header: BlockHeader, headerSize: number) {
    this.header = header
    this.#headerSize = headerSize
  }

  /** Without the padding behind the chunks, as the index counts. */
  get unpadded(): number {
    return this.#headerSize + this.compressed + this.stored.length
  }

  /** Compares what the decoder made of the block with everything that was said about it. */
  verify(produced: number, check: Uint8Array): void {
    const { compressed, uncompressed } = this.header
    if (produced !== this.promised) throw corrupt('a block gave another size than its chunks announce')
    if (compressed !== undefined && compressed !== this.compressed)
      throw corrupt('a block of another compressed size than it announces')
    if (uncompressed !== undefined && uncompressed !== produced)
      throw corrupt('a block of another size than it announces')
    if (!this.stored.equals(check)) throw corrupt('the check of a block does not hold')
  }
}

/** Follows the container of the first stream: header, blocks chunk by chunk, index, footer. Decodes nothing. */
export class XzWalk {
  readonly checkType: CheckType
  readonly #reader: ByteReader
  readonly #flags: Buffer
  readonly #index = new IndexWalk()

  private constructor(reader: ByteReader, flags: Buffer) {
    this.#reader = reader
    this.#flags = flags
    this.checkType = parseStreamFlags(flags)
  }

  static async open(reader: ByteReader): Promise<XzWalk> {
    return new XzWalk(reader, await reader.read(12, 'header'))
  }

  /** The next block; undefined where the index begins. */
  async block(): Promise<WalkedBlock | undefined> {
    const size = (await next(this.#reader, 1, 'blocks'))[0]!
    if (size === 0) return undefined
    this.#reader.unread(1)
    const headerSize = (size + 1) * 4
    return new WalkedBlock(parseBlockHeader(await next(this.#reader, headerSize, 'block header')), headerSize)
  }

  /** The block's LZMA2 chunks, the one that ends it included. All of them have to be taken. */
  async *chunks(block: WalkedBlock): AsyncGenerator<Buffer, void, undefined> {
    for (let last = false; !last; ) {
      const chunk = await lzma2Chunk(this.#reader)
      block.compressed += chunk.bytes.length
      block.promised += chunk.uncompressed
      last = chunk.last
      yield chunk.bytes
    }
    if ((await next(this.#reader, -block.compressed & 3, 'block padding')).some(byte => byte !== 0))
      throw corrupt('block padding that is not zero')
    block.stored = Buffer.from(await next(this.#reader, checkSizes[this.checkType], 'check'))
    this.#index.add(block.unpadded, block.promised)
  }

  /** Index and footer must say what was walked, and nothing may follow: rpm reads the first stream only, others more. */
  async end(): Promise<void> {
    await this.#index.compare(this.#reader, this.#flags.subarray(6, 8))
    for await (const piece of this.#reader.rest()) {
      if (piece.some(byte => byte !== 0))
        throw new RpmError('trailing-data', 'the xz stream is followed by something else')
    }
  }
}

/** One LZMA2 chunk with its header: a control byte of 0 ends the block. */
async function lzma2Chunk(reader: ByteReader): Promise<{ bytes: Buffer; uncompressed: number; last: boolean }> {
  const control = (await next(reader, 1, 'blocks'))[0]!
  reader.unread(1)
  if (control === 0) return { bytes: await next(reader, 1, 'blocks'), uncompressed: 0, last: true }
  if (control > 2 && control < 0x80) throw corrupt(`an LZMA2 chunk with the control byte ${control}`)

  const isRaw = control < 0x80
  const headerSize = isRaw ? 3 : control < 0xc0 ? 5 : 6
  const header = await reader.peek(headerSize)
  if (header.length < headerSize) throw reader.truncated('blocks')
  const low = header.readUInt16BE(1) + 1
  if (isRaw) return { bytes: await next(reader, headerSize + low, 'blocks'), uncompressed: low, last: false }
  const size = header.readUInt16BE(3) + 1
  const uncompressed = (control & 0x1f) * 0x10000 + low
  return { bytes: await next(reader, headerSize + size, 'blocks'), uncompressed, last: false }
}

/** What the index must say. Records are hashed as they come: many small blocks must not fill the memory. */
class IndexWalk {
  readonly #records = createHash('sha256')
  #count = 0
  #size = 0

  add(unpadded: number, uncompressed: number): void {
    const record = Buffer.concat([encodeNumber(unpadded), encodeNumber(uncompressed)])
    this.#records.update(record)
    this.#count++
    this.#size += record.length
  }

  /** The reader stands behind the index indicator. */
  async compare(reader: ByteReader, flags: Buffer): Promise<void> {
    const count = encodeNumber(this.#count)
    const stored = await next(reader, count.length, 'index')
    if (!stored.equals(count)) throw corrupt('the index counts other blocks than there are')
    let crc = crc32(Buffer.concat([Buffer.of(0), stored]))

    const records = createHash('sha256')
    for (let left = this.#size; left > 0; ) {
      const piece = await reader.take(left)
      if (!piece) throw reader.truncated('index')
      records.update(piece)
      crc = crc32(piece, crc)
      left -= piece.length
    }
    if (!records.digest().equals(this.#records.digest())) throw corrupt('the index lists other blocks than there are')

    const unpadded = 1 + count.length + this.#size
    const padding = await next(reader, -unpadded & 3, 'index')
    if (padding.some(byte => byte !== 0)) throw corrupt('index padding that is not zero')
    crc = crc32(padding, crc)
    if ((await next(reader, 4, 'index')).readUInt32LE(0) !== crc) throw corrupt('the CRC of the index does not hold')
    compareFooter(await next(reader, 12, 'footer'), unpadded + padding.length + 4, flags)
  }
}

function compareFooter(footer: Buffer, indexSize: number, flags: Buffer): void {
  if (footer.toString('latin1', 10, 12) !== 'YZ') throw corrupt('the footer has no magic')
  if (footer.readUInt32LE(0) !== crc32(footer.subarray(4, 10))) throw corrupt('the CRC of the footer does not hold')
  if ((footer.readUInt32LE(4) + 1) * 4 !== indexSize) throw corrupt('the footer tells another size of the index')
  if (!footer.subarray(8, 10).equals(flags)) throw corrupt('header and footer have different flags')
}

async function next(reader: ByteReader, length: number, what: string): Promise<Buffer> {
  return reader.tryRead(length) ?? (await reader.read(length, what))
}

function corrupt(what: string): RpmError {
  return new RpmError('corrupt-compression', `the xz stream is damaged: ${what}`)
}
