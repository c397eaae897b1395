import { type ByteString, isAscii, isValidUtf8 } from './byte-string.ts'
import { binaryCharset, encodePax, type PaxRecord } from './pax.ts'

export const TAR_BLOCK = 512

export type TarEntryType = 'file' | 'hardlink' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo'

/** One member of a TAR. Names and values are bytes; uid and gid are 0, owners go by name. */
export interface TarEntry {
  /** `./usr/bin/x`, for directories with a `/` at the end. */
  readonly name: ByteString
  readonly type: TarEntryType
  /** 07777; 0 stays 0. */
  readonly mode: number
  /** Unsigned seconds. */
  readonly mtime: number
  readonly owner: ByteString
  readonly group: ByteString
  /** Content bytes that follow the header; 0 for everything but files. */
  readonly size?: number | undefined
  /** Target of a symlink, name of the member that a hardlink is another name of. */
  readonly link?: ByteString | undefined
  readonly device?: { readonly major: number; readonly minor: number } | undefined
  /** Extended attributes, name → value: `security.capability`, `security.ima`. */
  readonly xattrs?: Readonly<Record<string, ByteString>> | undefined
}

const typeFlags: Record<TarEntryType, string> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
}

/**
 * The member's header: one ustar block, after a pax header where ustar has no room. Content follows, then `padding()`.
 * Source: POSIX.1-2008, pax, "ustar Interchange Format" and "pax Extended Header".
 */
export function encodeTarHeader(entry: TarEntry): Buffer {
  const records = paxRecords(entry)
  if (records.length === 0) return ustarBlock(entry, typeFlags[entry.type])
  const pax = encodePax(records)
  const header = ustarBlock(
    { name: './PaxHeaders', type: 'file', mode: 0o644, mtime: entry.mtime, owner: '', group: '', size: pax.length },
    'x',
  )
  return Buffer.concat([header, pax, padding(pax.length), ustarBlock(entry, typeFlags[entry.type])])
}

const zeros = new Uint8Array(2 * TAR_BLOCK)

/** Zeros that fill `size` bytes of content up to the next block. */
export function padding(size: number): Uint8Array {
  return zeros.subarray(0, (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK)
}

export const endOfArchive: Uint8Array = zeros

function paxRecords(entry: TarEntry): readonly PaxRecord[] {
  const { name, link = '', owner, group, size = 0, mtime, xattrs } = entry
  const records: PaxRecord[] = []
  if (!splitName(name) || isForeignText(name)) records.push(['path', name])
  if (link.length > 100 || isForeignText(link)) records.push(['linkpath', link])
  if (owner.length > ownerRoom || isForeignText(owner)) records.push(['uname', owner])
  if (group.length > ownerRoom || isForeignText(group)) records.push(['gname', group])
  if (!records.every(([, value]) => isValidUtf8(value))) records.unshift(binaryCharset)
  if (size > largestOctal[12]) records.push(['size', String(size)])
  if (mtime > largestOctal[12]) records.push(['mtime', String(mtime)])
  if (xattrs) for (const [key, value] of Object.entries(xattrs)) records.push([`SCHILY.xattr.${key}`, value])
  return records
}

/**
 * UTF-8 that is not ASCII needs a pax record to say so. What is no UTF-8 at all and fits ustar is better off there as it
 * is: every reader takes it bytewise, while few know how pax marks such values.
 */
function isForeignText(bytes: ByteString): boolean {
  return !isAscii(bytes) && isValidUtf8(bytes)
}

/** Bytes for owner names besides the closing NUL. */
const ownerRoom = 31

const zeroDigit = 0x30
const spaceCode = 0x20

/** What all members share: owners of number 0, the magic, and a checksum still taken for spaces. */
const blank = Buffer.alloc(TAR_BLOCK)
blank.fill(zeroDigit, 108, 115).fill(zeroDigit, 116, 123)
blank.fill(spaceCode, 148, 156)
blank.write('ustar\x0000', 257, 'latin1')
const blankSum = blank.reduce((sum, byte) => sum + byte)

function ustarBlock(entry: TarEntry, typeFlag: string): Buffer {
  // Out of Node's pool, unlike what alloc() gives.
  const block = Buffer.from(blank)
  const { prefix, name } = splitName(entry.name) ?? { prefix: '', name: entry.name.slice(0, 100) }
  let sum = blankSum
  sum += writeText(block, 0, name)
  sum += writeNumber(block, 100, 8, entry.mode)
  sum += writeNumber(block, 124, 12, entry.size ?? 0)
  sum += writeNumber(block, 136, 12, entry.mtime)
  sum += writeText(block, 156, typeFlag)
  if (entry.link) sum += writeText(block, 157, entry.link.slice(0, 100))
  // A name cut short might be somebody else's; readers without pax take root instead.
  if (entry.owner.length <= ownerRoom) sum += writeText(block, 265, entry.owner)
  if (entry.group.length <= ownerRoom) sum += writeText(block, 297, entry.group)
  sum += writeNumber(block, 329, 8, entry.device?.major ?? 0)
  sum += writeNumber(block, 337, 8, entry.device?.minor ?? 0)
  if (prefix) sum += writeText(block, 345, prefix)
  writeOctal(block, 148, 6, sum)
  block[154] = 0
  return block
}

/** ustar's two name fields, cut at a slash, or undefined where the name does not fit. */
function splitName(path: ByteString): { prefix: ByteString; name: ByteString } | undefined {
  if (path.length <= 100) return { prefix: '', name: path }
  const cut = path.indexOf('/', path.length - 101)
  if (cut < 1 || cut > 155 || cut === path.length - 1) return undefined
  return { prefix: path.slice(0, cut), name: path.slice(cut + 1) }
}

/** Widths of ustar's number fields, and the largest value that fits as digits and a NUL. */
const largestOctal = { 8: 0o7777777, 12: 0o77777777777 } as const

// The functions below give the sum of what they wrote: adding up the whole block afterwards would be most of what a
// header costs.

/** Octal and NUL, or, where that has no room, GNU's base 256, which also readers without pax understand. */
function writeNumber(block: Buffer, offset: number, width: 8 | 12, value: number): number {
  if (value <= largestOctal[width]) return writeOctal(block, offset, width - 1, value)
  let sum = 0x80
  block[offset] = 0x80
  for (let at = offset + width - 1, left = value; left > 0; at--, left = Math.floor(left / 256)) {
    block[at] = left % 256
    sum += block[at]!
  }
  return sum
}

function writeOctal(block: Buffer, offset: number, digits: number, value: number): number {
  let sum = digits * zeroDigit
  for (let at = offset + digits - 1, left = value; at >= offset; at--) {
    const digit = left % 8
    block[at] = zeroDigit + digit
    sum += digit
    left = (left - digit) / 8
  }
  return sum
}

function writeText(block: Buffer, offset: number, bytes: ByteString): number {
  let sum = 0
  for (let k = 0; k < bytes.length; k++) {
    const byte = bytes.charCodeAt(k)
    block[offset + k] = byte
    sum += byte
  }
  return sum
}
