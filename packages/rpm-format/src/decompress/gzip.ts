import { crc32, createInflateRaw } from 'node:zlib'
import { ByteReader } from '../byte-reader.ts'
import { RpmError } from '../errors.ts'
import { outputChunkSize, throughZlib } from './zlib-stream.ts'

const magic = 0x1f8b
const deflate = 8
const flag = { headerCrc: 2, extra: 4, name: 8, comment: 16 } as const
const reservedFlags = 0xe0
const longestText = 65_536
/** Each member costs a decompressor: many tiny ones would cost hours. */
const mostMembers = 65_536

/**
 * One or more gzip members, and zeros behind them. Members are taken apart here: what node:zlib makes of bytes behind
 * the last one depends on how they are cut into chunks.
 */
export async function* gunzip(
  input: AsyncIterable<Uint8Array>,
  reuse = false,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = new ByteReader(
    input[Symbol.asyncIterator](),
    (_, what) => new RpmError('truncated-payload', `the gzip stream ends within its ${what}`),
  )
  for (let members = 0; ; members++) {
    const start = await reader.peek(2)
    if (members > 0 && (start.length < 2 || start.readUInt16BE(0) !== magic)) break
    if (members === mostMembers) throw corrupt(`more than ${mostMembers} members`)
    await skipHeader(reader)
    yield* inflateMember(reader, reuse)
  }
  for await (const piece of reader.rest()) {
    if (piece.some(byte => byte !== 0))
      throw new RpmError('trailing-data', 'the gzip stream is followed by something else')
  }
}

async function skipHeader(reader: ByteReader): Promise<void> {
  const header = await reader.read(10, 'header')
  const flags = header[3]!
  if (header.readUInt16BE(0) !== magic || header[2] !== deflate || flags & reservedFlags) throw corrupt('no header')
  if (flags & flag.extra) await reader.read((await reader.read(2, 'header')).readUInt16LE(0), 'header')
  if (flags & flag.name) await skipText(reader)
  if (flags & flag.comment) await skipText(reader)
  if (flags & flag.headerCrc) await reader.read(2, 'header')
}

async function skipText(reader: ByteReader): Promise<void> {
  for (let length = 0; (reader.tryRead(1) ?? (await reader.read(1, 'header')))[0] !== 0; length++) {
    if (length === longestText) throw corrupt('a name without an end')
  }
}

async function* inflateMember(reader: ByteReader, reuse: boolean): AsyncGenerator<Buffer, void, undefined> {
  const inflate = createInflateRaw({ chunkSize: outputChunkSize })
  let given = 0
  async function* counted() {
    for await (const chunk of reader.rest()) {
      given += chunk.length
      yield chunk
    }
  }
  let crc = 0
  let size = 0
  try {
    for await (const chunk of throughZlib(counted(), inflate, reuse)) {
      crc = crc32(chunk, crc)
      size += chunk.length
      yield chunk
    }
  } catch (error) {
    throw zlibError(error, 'gzip')
  }
  reader.unread(given - inflate.bytesWritten)
  const trailer = await reader.read(8, 'checksum')
  if (trailer.readUInt32LE(0) !== crc) throw corrupt('its checksum does not hold')
  if (trailer.readUInt32LE(4) !== size % 2 ** 32) throw corrupt('it tells another length')
}

/** Errors of node:zlib blame the package; all others pass. */
export function zlibError(error: unknown, format: string): unknown {
  const { code, message } = error as { code?: unknown; message?: string }
  if (code === 'Z_BUF_ERROR') {
    return new RpmError('truncated-payload', `the ${format} stream ends early`, { cause: error })
  }
  if (typeof code === 'string' && /^(Z_|ZSTD_)/.test(code)) {
    return new RpmError('corrupt-compression', `the ${format} stream is damaged: ${message}`, { cause: error })
  }
  return error
}

function corrupt(what: string): RpmError {
  return new RpmError('corrupt-compression', `the gzip stream is damaged: ${what}`)
}
