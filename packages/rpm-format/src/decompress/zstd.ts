import { constants, createZstdDecompress } from 'node:zlib'
import { ByteReader } from '../byte-reader.ts'
import { RpmError } from '../errors.ts'
import { zlibError } from './gzip.ts'
import { outputChunkSize, throughZlib } from './zlib-stream.ts'

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50
const skippableMask = 0xfffffff0
const blockTypes = { raw: 0, rle: 1, compressed: 2, reserved: 3 } as const
/** Each frame costs a decompressor: many tiny ones would cost hours. */
const mostFrames = 65_536

/**
 * Any number of frames. node:zlib decodes one and stumbles over what follows, so the frames are walked by their block
 * headers and each gets a decompressor of its own.
 */
export async function* unzstd(
  input: AsyncIterable<Uint8Array>,
  limits: { dictionary: number },
  reuse = false,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = new ByteReader(
    input[Symbol.asyncIterator](),
    (_, what) => new RpmError('truncated-payload', `the zstd stream ends within a ${what}`),
  )
  for (let frames = 0; (await reader.peek(1)).length > 0; frames++) {
    if (frames === mostFrames) throw corrupt(`more than ${mostFrames} frames`)
    const magic = (await reader.read(4, 'magic')).readUInt32LE(0)
    if ((magic & skippableMask) >>> 0 === skippableMagic) {
      await skip(reader, (await reader.read(4, 'skippable frame')).readUInt32LE(0))
    } else if (magic === frameMagic) {
      yield* decodeFrame(reader, limits.dictionary, reuse)
    } else if (frames === 0) {
      throw corrupt('no zstd magic')
    } else {
      throw new RpmError('trailing-data', 'the zstd stream is followed by something else')
    }
  }
}

async function* decodeFrame(
  reader: ByteReader,
  windowLimit: number,
  reuse: boolean,
): AsyncGenerator<Buffer, void, undefined> {
  const header = await frameHeader(reader, windowLimit)
  const stream = createZstdDecompress({
    chunkSize: outputChunkSize,
    params: { [constants.ZSTD_d_windowLogMax]: Math.max(10, Math.ceil(Math.log2(windowLimit))) },
  })
  try {
    yield* throughZlib(frameBytes(reader, header), stream, reuse)
  } catch (error) {
    throw zlibError(error, 'zstd')
  }
}

interface FrameHeader {
  readonly bytes: Buffer
  readonly hasChecksum: boolean
}

async function frameHeader(reader: ByteReader, windowLimit: number): Promise<FrameHeader> {
  const descriptor = (await reader.peek(1))[0]
  if (descriptor === undefined) throw reader.truncated('frame header')
  const singleSegment = (descriptor & 0x20) !== 0
  if (descriptor & 0x08) throw corrupt('a reserved bit is set in a frame header')
  const dictionaryId = [0, 1, 2, 4][descriptor & 3]!
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  const bytes = await reader.read(1 + (singleSegment ? 0 : 1) + dictionaryId + contentSize, 'frame header')
  if (bytes.subarray(bytes.length - contentSize - dictionaryId, bytes.length - contentSize).some(byte => byte !== 0)) {
    throw corrupt('a frame wants a dictionary')
  }
  const window = singleSegment ? frameContentSize(bytes, contentSize) : windowSize(bytes[1]!)
  if (window > windowLimit) {
    throw new RpmError('dictionary-too-large', `a zstd window of ${window} bytes; ${windowLimit} are allowed`)
  }
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(frameMagic)
  return { bytes: Buffer.concat([magic, bytes]), hasChecksum: (descriptor & 0x04) !== 0 }
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

function frameContentSize(header: Buffer, size: number): number {
  const field = header.subarray(header.length - size)
  switch (size) {
    case 1:
      return field.readUInt8(0)
    case 2:
      return field.readUInt16LE(0) + 256
    case 4:
      return field.readUInt32LE(0)
    default:
      return Number(field.readBigUInt64LE(0))
  }
}

/** The frame and not a byte more, in pieces as large as they come. */
async function* frameBytes(
  reader: ByteReader,
  { bytes, hasChecksum }: FrameHeader,
): AsyncGenerator<Buffer, void, undefined> {
  yield bytes
  const walk = new BlockWalk(hasChecksum)
  while (!walk.done) {
    const chunk = await reader.take(Number.MAX_SAFE_INTEGER)
    if (!chunk) throw reader.truncated('frame')
    const length = walk.consume(chunk)
    reader.unread(chunk.length - length)
    yield chunk.subarray(0, length)
  }
}

/** Follows block headers through chunks that may cut them anywhere. */
class BlockWalk {
  done = false
  readonly #checksum: number
  #header = 0
  #headerBytes = 0
  #pass = 0
  #last = false

  constructor(hasChecksum: boolean) {
    this.#checksum = hasChecksum ? 4 : 0
  }

  /** How many bytes of `chunk` belong to the frame. */
  consume(chunk: Buffer): number {
    let at = 0
    while (at < chunk.length) {
      if (this.#pass > 0) {
        const step = Math.min(this.#pass, chunk.length - at)
        this.#pass -= step
        at += step
        if (this.#pass > 0) return at
      } else {
        this.#header += chunk[at++]! * 256 ** this.#headerBytes++
        if (this.#headerBytes < 3) continue
        this.#startBlock()
      }
      if (this.#last && this.#pass === 0) {
        this.done = true
        return at
      }
    }
    return at
  }

  #startBlock(): void {
    const type = (this.#header >> 1) & 3
    const size = this.#header >> 3
    if (type === blockTypes.reserved) throw corrupt('a block of the reserved type')
    this.#last = (this.#header & 1) === 1
    this.#pass = (type === blockTypes.rle ? 1 : size) + (this.#last ? this.#checksum : 0)
    this.#header = 0
    this.#headerBytes = 0
  }
}

async function skip(reader: ByteReader, length: number): Promise<void> {
  for (let left = length; left > 0; ) {
    const piece = await reader.take(left)
    if (!piece) throw reader.truncated('skippable frame')
    left -= piece.length
  }
}

function corrupt(what: string): RpmError {
  return new RpmError('corrupt-compression', `the zstd stream is damaged: ${what}`)
}
