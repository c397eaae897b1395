import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { ByteReader } from '../byte-reader.ts'
import { RpmError } from '../errors.ts'
import { Crc64 } from './crc64.ts'
import { encodeNumber, parseBlockHeader, parseStreamFlags } from './xz-container.ts'
import { XzDecoder } from './xz-decoder.ts'

/**
 * The first stream of an .xz file. XZ Embedded refuses the SHA-256 checks that rpm writes, so the container is walked
 * here: the decoder sees bare LZMA2 blocks, and checks, index and footer are compared with what was walked.
 */
export async function* unxz(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  const reader = new ByteReader(
    input[Symbol.asyncIterator](),
    (_, what) => new RpmError('truncated-payload', `the xz stream ends within its ${what}`),
  )
  const flags = await reader.read(12, 'header')
  const check = parseStreamFlags(flags)
  const decoder = await XzDecoder.open()
  const index = new IndexWalk()

  try {
    while ((await next(reader, 1, 'blocks'))[0] !== 0) {
      reader.unread(1)
      yield* decodeBlock(reader, decoder, check, index)
    }
  } finally {
    decoder.release()
  }
  await index.compare(reader, flags.subarray(6, 8))
  await onlyZeros(reader)
}

type CheckType = ReturnType<typeof parseStreamFlags>

async function* decodeBlock(
  reader: ByteReader,
  decoder: XzDecoder,
  checkType: CheckType,
  index: IndexWalk,
): AsyncGenerator<Buffer, void, undefined> {
  const headerSize = ((await next(reader, 1, 'block header'))[0]! + 1) * 4
  reader.unread(1)
  const header = parseBlockHeader(await next(reader, headerSize, 'block header'))
  const check = runningCheck(checkType)
  let compressed = 0
  let produced = 0
  const passed = (chunk: Buffer): Buffer => {
    produced += chunk.length
    check.update(chunk)
    return chunk
  }

  decoder.startBlock(header.dictionaryCode)
  let promised = 0
  for (;;) {
    const chunk = await lzma2Chunk(reader)
    compressed += chunk.bytes.length
    promised += chunk.uncompressed
    for (const output of decoder.decode(chunk.bytes)) yield passed(output)
    if (chunk.last) break
  }
  const padding = -compressed & 3
  for (const output of decoder.decode(Buffer.alloc(padding))) yield passed(output)
  const rest = decoder.flush()
  if (rest) yield passed(rest)

  if ((await next(reader, padding, 'block padding')).some(byte => byte !== 0))
    throw corrupt('block padding that is not zero')
  const stored = await next(reader, check.size, 'check')
  if (produced !== promised) throw corrupt('a block gave another size than its chunks announce')
  if (header.compressed !== undefined && header.compressed !== compressed)
    throw corrupt('a block of another compressed size than it announces')
  if (header.uncompressed !== undefined && header.uncompressed !== produced)
    throw corrupt('a block of another size than it announces')
  if (!check.digest().equals(stored)) throw corrupt('the check of a block does not hold')
  index.add(headerSize + compressed + check.size, produced)
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

interface RunningCheck {
  readonly size: number
  update(bytes: Buffer): unknown
  digest(): Buffer
}

function runningCheck(type: CheckType): RunningCheck {
  switch (type) {
    case 'none':
      return { size: 0, update: () => {}, digest: () => Buffer.alloc(0) }
    case 'crc32': {
      let value = 0
      const update = (bytes: Buffer) => {
        value = crc32(bytes, value)
      }
      const digest = () => {
        const bytes = Buffer.alloc(4)
        bytes.writeUInt32LE(value)
        return bytes
      }
      return { size: 4, update, digest }
    }
    case 'crc64': {
      const crc = new Crc64()
      return { size: 8, update: bytes => crc.update(bytes), digest: () => crc.digest() }
    }
    case 'sha256': {
      const hash = createHash('sha256')
      return { size: 32, update: bytes => hash.update(bytes), digest: () => hash.digest() }
    }
  }
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

/** rpm reads the first stream only; something behind it would be read by others. */
async function onlyZeros(reader: ByteReader): Promise<void> {
  for await (const piece of reader.rest()) {
    if (piece.some(byte => byte !== 0))
      throw new RpmError('trailing-data', 'the xz stream is followed by something else')
  }
}

async function next(reader: ByteReader, length: number, what: string): Promise<Buffer> {
  return reader.tryRead(length) ?? (await reader.read(length, what))
}

function corrupt(what: string): RpmError {
  return new RpmError('corrupt-compression', `the xz stream is damaged: ${what}`)
}
