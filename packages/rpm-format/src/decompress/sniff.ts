import { RpmError } from '../errors.ts'

export type Compression = 'gzip' | 'bzip2' | 'xz' | 'lzma' | 'zstd' | 'none'

export const sniffSize = 13

const magics: readonly (readonly [Compression, Buffer])[] = [
  ['gzip', Buffer.of(0x1f, 0x8b, 0x08)],
  ['xz', Buffer.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)],
  ['zstd', Buffer.of(0x28, 0xb5, 0x2f, 0xfd)],
  ['bzip2', Buffer.from('BZh')],
  ['none', Buffer.from('07070')],
]

/** What the first bytes of a payload are; the header's PAYLOADCOMPRESSOR may be missing or wrong. */
export function sniff(start: Buffer, offset: number): Compression {
  if (start.length === 0)
    throw new RpmError('truncated-payload', 'the file ends where the payload should begin', { offset })
  for (const [compression, magic] of magics) if (startsWith(start, magic)) return compression
  if (isSkippableZstd(start)) return 'zstd'
  if (isLzmaAlone(start)) return 'lzma'
  const cut = magics.find(([, magic]) => start.length < magic.length && startsWith(magic, start))
  if (cut) throw new RpmError('truncated-payload', `the payload ends after ${start.length} bytes`, { offset })
  throw new RpmError(
    'unknown-compression',
    `the payload begins with ${start.toString('hex', 0, 6)}: no compression and no archive that rpm writes`,
    { offset },
  )
}

function startsWith(bytes: Buffer, magic: Buffer): boolean {
  return bytes.length >= magic.length && bytes.compare(magic, 0, magic.length, 0, magic.length) === 0
}

function isSkippableZstd(start: Buffer): boolean {
  return start.length >= 4 && (start.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50
}

/** lzma has no magic: lc, lp and pb in one byte, a dictionary size, and a size that is unknown or plausible. */
function isLzmaAlone(start: Buffer): boolean {
  if (start.length < sniffSize || start[0]! >= 9 * 5 * 5) return false
  const unknownSize = start.readUInt32LE(5) === 0xffffffff && start.readUInt32LE(9) === 0xffffffff
  return unknownSize || (start[0] === 0x5d && start.readUInt32LE(9) < 2 ** 8)
}
