import type { FileBytes } from './file-bytes.ts'
import { ContentError, LengthError } from './length-error.ts'

const BLOCK = 512

/**
 * Refuses an admin's TAR that is not what its suffix says or, as far as the format tells without unpacking, is cut
 * off. gzip and bzip2 do not tell: there only that the file has stopped growing speaks for it.
 */
export function checkTarLength(tarFormat: string, bytes: FileBytes): void {
  if (bytes.size === 0) throw new LengthError('the file is empty')
  const checks: Record<string, (bytes: FileBytes) => void> = {
    'tar.gz': expectMagic('gzip', '1f8b'),
    'tar.bz2': expectMagic('bzip2', '425a68'),
    'tar.xz': checkXz,
    'tar.zst': checkZstd,
    tar: checkTar,
  }
  checks[tarFormat]?.(bytes)
}

function expectMagic(what: string, magic: string): (bytes: FileBytes) => void {
  return bytes => {
    if (bytes.read(0, magic.length / 2).toString('hex') !== magic) throw new ContentError(`its content is no ${what}`)
  }
}

/** Ends with a footer, perhaps with zeros after it, as long as a multiple of four. */
function checkXz(bytes: FileBytes): void {
  expectMagic('xz', 'fd377a585a00')(bytes)
  let tail = bytes.read(Math.max(0, bytes.size - 4096), 4096)
  while (tail.length >= 4 && tail.readUInt32LE(tail.length - 4) === 0) tail = tail.subarray(0, -4)
  if (bytes.size % 4 !== 0 || tail.toString('latin1', tail.length - 2) !== 'YZ') {
    throw new LengthError('the end of the xz stream is missing')
  }
}

/** Whole blocks, zeros at the end. */
function checkTar(bytes: FileBytes): void {
  const first = bytes.read(0, BLOCK)
  if (first.length === BLOCK && !isTarHeader(first)) throw new ContentError('its content is no TAR')
  const end = bytes.read(Math.max(0, bytes.size - BLOCK), BLOCK)
  if (bytes.size % BLOCK !== 0 || end.some(byte => byte !== 0))
    throw new LengthError('the end of the archive is missing')
}

/** By its checksum, which the oldest kinds have as well; an empty archive begins with its end. */
function isTarHeader(block: Buffer): boolean {
  const written = Number.parseInt(block.toString('latin1', 148, 156).replaceAll('\0', ' ').trim(), 8)
  let sum = 0
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : block[i]!
  return written === sum || sum === 8 * 32
}

/** From block to block by their lengths, without unpacking any. */
function checkZstd(bytes: FileBytes): void {
  expectMagicNumber(bytes)
  let position = 0
  while (position < bytes.size) position = endOfFrame(bytes, position)
}

const ZSTD_MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50

function expectMagicNumber(bytes: FileBytes): void {
  const magic = bytes.read(0, 4)
  if (magic.length === 4 && !isFrameMagic(magic.readUInt32LE(0))) throw new ContentError('its content is no zstd')
}

function isFrameMagic(magic: number): boolean {
  return magic === ZSTD_MAGIC || (magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC
}

function endOfFrame(bytes: FileBytes, start: number): number {
  const head = exactly(bytes, start, 5)
  const magic = head.readUInt32LE(0)
  if (!isFrameMagic(magic)) throw new ContentError(`no zstd frame at ${start}`)
  if (magic !== ZSTD_MAGIC) return within(bytes, start + 8 + exactly(bytes, start, 8).readUInt32LE(4))
  const descriptor = head[4]!
  const singleSegment = (descriptor & 0x20) !== 0
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  const dictionary = [0, 1, 2, 4][descriptor & 3]!
  let position = start + 5 + (singleSegment ? 0 : 1) + dictionary + contentSize
  for (let last = false; !last; ) {
    const block = exactly(bytes, position, 3).readUIntLE(0, 3)
    last = (block & 1) === 1
    const isRun = ((block >> 1) & 3) === 1
    position += 3 + (isRun ? 1 : block >> 3)
  }
  const hasChecksum = (descriptor & 4) !== 0
  return within(bytes, position + (hasChecksum ? 4 : 0))
}

function exactly(bytes: FileBytes, position: number, length: number): Buffer {
  within(bytes, position + length)
  return bytes.read(position, length)
}

function within(bytes: FileBytes, end: number): number {
  if (end > bytes.size) throw new LengthError('the end of the zstd stream is missing')
  return end
}
