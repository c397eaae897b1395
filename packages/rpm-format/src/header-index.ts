import { RpmError } from './errors.ts'
import { Tag, tagName } from './tags.ts'

export type HeaderKind = 'signature' | 'main'

/** Where a tag's value lies in the data area; `type` is 1–9, `offset` counts from the start of the data. */
export interface IndexEntry {
  readonly type: number
  readonly offset: number
  readonly count: number
}

export interface Intro {
  readonly indexLength: number
  readonly dataLength: number
}

export const introSize = 16
const entrySize = 16
const magic = Buffer.of(0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0)
const MiB = 1024 * 1024

/** rpm's own ceilings (header.cc). */
const ceilings: Record<HeaderKind, { entries: number; data: number }> = {
  signature: { entries: 32, data: 64 * MiB },
  main: { entries: 65_535, data: 268_435_455 },
}
const blobCeiling = 256 * MiB
const countCeiling = 1_048_575
const lowestTag = 100

/** Bytes of the index that the intro in front of `bytes` announces. */
export function indexSize(bytes: Buffer): number {
  return bytes.readUInt32BE(8) * entrySize
}

/** The 16 bytes that begin a header; refuses sizes above `dataLimit` or rpm's ceilings before anything is read. */
export function parseIntro(
  bytes: Buffer,
  offset: number,
  kind: HeaderKind,
  dataLimit = Number.POSITIVE_INFINITY,
): Intro {
  if (bytes.compare(magic, 0, 8, 0, 8) !== 0) {
    throw new RpmError(
      'malformed-header',
      `the ${kind} header begins with ${bytes.toString('hex', 0, 8)}, not with its magic`,
      { offset },
    )
  }
  const indexLength = bytes.readUInt32BE(8)
  const dataLength = bytes.readUInt32BE(12)
  const { entries, data } = ceilings[kind]
  const most = Math.min(data, dataLimit)
  if (indexLength > entries) {
    throw new RpmError('header-too-large', `${indexLength} entries in the ${kind} header; ${entries} are allowed`, {
      offset: offset + 8,
    })
  }
  if (dataLength > most) {
    throw new RpmError('header-too-large', `${dataLength} bytes of data in the ${kind} header; ${most} are allowed`, {
      offset: offset + 12,
    })
  }
  if (8 + indexLength * entrySize + dataLength >= blobCeiling) {
    throw new RpmError('header-too-large', `the ${kind} header is larger than 256 MiB`, { offset: offset + 8 })
  }
  return { indexLength, dataLength }
}

const alignments = [1, 1, 1, 2, 4, 8, 1, 1, 1, 1]

/**
 * All entries by tag, the region's own apart. Values must lie in the data, aligned, in index order, without touching
 * each other or the region's trailer: that bounds the work to the size of the data.
 */
export function parseIndex(
  bytes: Buffer,
  offset: number,
  kind: HeaderKind,
  textLimit = Number.POSITIVE_INFINITY,
): { region: number | undefined; entries: Map<number, IndexEntry> } {
  const length = bytes.readUInt32BE(8)
  const data = bytes.subarray(introSize + length * entrySize)
  const region = length > 0 ? parseRegion(bytes, data, offset, kind) : undefined
  const entries = new Map<number, IndexEntry>()
  let previousEnd = 0

  for (let i = region ? 1 : 0; i < length; i++) {
    const at = introSize + i * entrySize
    const tag = bytes.readUInt32BE(at)
    const type = bytes.readUInt32BE(at + 4)
    const start = bytes.readInt32BE(at + 8)
    const count = bytes.readUInt32BE(at + 12)
    const bad = (what: string) => {
      throw new RpmError('malformed-header', `${tagName(tag, kind)} in the ${kind} header ${what}`, {
        offset: offset + at,
      })
    }

    if (tag < lowestTag) bad('is no tag that may stand in a package file')
    if (type < 1 || type > 9) bad(`has the unknown type ${type}`)
    if (count < 1 || count > data.length) bad(`has a count of ${count} in ${data.length} bytes of data`)
    if (count > countCeiling && type !== 7) {
      throw new RpmError(
        'header-too-large',
        `${tagName(tag, kind)} has ${count} members; ${countCeiling} are allowed`,
        { offset: offset + at },
      )
    }
    if (start < 0 || start > data.length) bad(`lies outside the data (offset ${start})`)
    if (start % alignments[type]! !== 0) bad(`is not aligned (offset ${start})`)
    if (start < previousEnd) bad('overlaps the entry before it')
    const value = extentOf(data, type, start, count)
    if (value === undefined) return bad('runs past the end of the data')
    const { end, longestText } = value
    if (longestText > textLimit) {
      throw new RpmError(
        'header-too-large',
        `${tagName(tag, kind)} holds a text of ${longestText} bytes; ${textLimit} are allowed`,
        { offset: offset + at },
      )
    }
    if (region && start < region.trailer + entrySize && end > region.trailer) bad("overlaps the region's trailer")
    if (entries.has(tag)) {
      throw new RpmError('duplicate-tag', `${tagName(tag, kind)} stands twice in the ${kind} header`, {
        offset: offset + at,
      })
    }
    entries.set(tag, { type, offset: start, count })
    previousEnd = end
  }
  return { region: region?.tag, entries }
}

/** Where a value ends, undefined where it does not; and the bytes of the longest text in it. */
function extentOf(
  data: Buffer,
  type: number,
  start: number,
  count: number,
): { end: number; longestText: number } | undefined {
  if (type !== 6 && type !== 8 && type !== 9) {
    const end = start + count * alignments[type]!
    return end <= data.length ? { end, longestText: 0 } : undefined
  }
  if (type === 6 && count !== 1) return undefined
  let end = start
  let longestText = 0
  // Texts are short: looking for each one's end by indexOf() would cost more than the bytes.
  for (let k = 0; k < count; k++) {
    const begin = end
    while (data[end] !== 0) if (++end > data.length) return undefined
    longestText = Math.max(longestText, end - begin)
    end++
  }
  return { end, longestText }
}

/**
 * The region that begins the index of every v4 and v6 header. Its trailer, shaped like an index entry, says how many
 * entries the region covers; in the main header of a package file it must cover everything.
 */
function parseRegion(
  bytes: Buffer,
  data: Buffer,
  offset: number,
  kind: HeaderKind,
): { tag: number; trailer: number } | undefined {
  const tag = bytes.readUInt32BE(introSize)
  const own = kind === 'signature' ? Tag.HEADERSIGNATURES : Tag.HEADERIMMUTABLE
  if (tag !== own && tag !== Tag.HEADERIMAGE) return undefined

  const bad = (what: string, at = offset + introSize): never => {
    throw new RpmError('malformed-header', `the region of the ${kind} header ${what}`, { offset: at })
  }
  const trailer = bytes.readInt32BE(introSize + 8)
  if (bytes.readUInt32BE(introSize + 4) !== 7) bad('is not of type BIN')
  if (bytes.readUInt32BE(introSize + 12) !== entrySize) bad('does not have a trailer of 16 bytes')
  if (trailer < 0 || trailer + entrySize > data.length) bad(`has its trailer outside the data (offset ${trailer})`)

  const at = offset + bytes.length - data.length + trailer
  const trailerTag = data.readUInt32BE(trailer)
  const covered = -data.readInt32BE(trailer + 8)
  // Some old writers left HEADERIMAGE in the trailer of a signature region.
  if (trailerTag !== tag && !(kind === 'signature' && trailerTag === Tag.HEADERIMAGE))
    bad(`ends in tag ${trailerTag}`, at)
  if (data.readUInt32BE(trailer + 4) !== 7 || data.readUInt32BE(trailer + 12) !== entrySize)
    bad('has a malformed trailer', at)
  if (covered % entrySize !== 0) bad(`covers ${covered} bytes of index, no whole number of entries`, at)
  const entries = covered / entrySize
  const length = bytes.readUInt32BE(8)
  if (entries < 1 || entries > length) bad(`covers ${entries} of ${length} entries`, at)
  if (kind === 'main' && entries !== length) bad(`covers ${entries} of ${length} entries`, at)
  if (kind === 'main' && trailer + entrySize !== data.length) bad('does not cover all data', at)
  return { tag, trailer }
}
