import { endianness } from 'node:os'
import type { ByteString } from './byte-string.ts'
import { RpmError } from './errors.ts'
import { type HeaderKind, type IndexEntry, indexSize, introSize, parseIndex } from './header-index.ts'
import { StringColumn } from './string-column.ts'
import { tagName, tagTypes } from './tags.ts'

/** A header container: index and data, decoded on demand. Serves the signature header and the main header. */
export interface Header {
  /** Position of the header's magic in the source. */
  readonly offset: number
  /** Everything from the magic to the end of the data, without padding: what header digests cover. */
  readonly bytes: Uint8Array
  /** The tag of the region that begins the index: 62, 63, 61, or undefined in v3. */
  readonly region: number | undefined
  has(tag: number): boolean
  /** Tags in index order, without the region's own. */
  tags(): IterableIterator<number>
  /** The index entry's type (1–9) and count. */
  entry(tag: number): { readonly type: number; readonly count: number } | undefined
  /** The first string of a STRING, STRING_ARRAY or I18NSTRING. */
  string(tag: number): ByteString | undefined
  strings(tag: number): ByteString[] | undefined
  /** The same, decoded when asked for. */
  column(tag: number): StringColumn | undefined
  /** The first number of an integer tag. */
  number(tag: number): number | undefined
  /** All numbers of an integer tag; 64-bit ones must be safe integers. */
  numbers(tag: number): ArrayLike<number> | undefined
  binary(tag: number): Uint8Array | undefined
}

/** Checks the whole container (rpm's own rules: limits, alignment, order, regions) and decodes nothing yet. */
export function parseHeader(bytes: Buffer, offset: number, kind: HeaderKind, textLimit?: number): Header {
  const index = parseIndex(bytes, offset, kind, textLimit)
  const header = new ParsedHeader(bytes, offset, kind, index.region, index.entries)
  if (kind === 'main') for (const tag of header.tags()) header.checkType(tag)
  return header
}

/** By the index, before anything is decoded: `header-too-large` for more than `most` members of a tag of the main header. */
export function checkMembers(header: Header, tag: number, most: number): void {
  const count = header.entry(tag)?.count ?? 0
  if (count > most) throw new RpmError('header-too-large', `${tagName(tag)} has ${count} members; ${most} are allowed`)
}

const numericSizes: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8 }
const typeNames = ['NULL', 'CHAR', 'INT8', 'INT16', 'INT32', 'INT64', 'STRING', 'BIN', 'STRING_ARRAY', 'I18NSTRING']

class ParsedHeader implements Header {
  readonly bytes: Buffer
  readonly offset: number
  readonly region: number | undefined
  readonly #kind: HeaderKind
  readonly #entries: ReadonlyMap<number, IndexEntry>
  readonly #data: Buffer

  constructor(
    bytes: Buffer,
    offset: number,
    kind: HeaderKind,
    region: number | undefined,
    entries: ReadonlyMap<number, IndexEntry>,
  ) {
    this.bytes = bytes
    this.offset = offset
    this.region = region
    this.#kind = kind
    this.#entries = entries
    this.#data = bytes.subarray(introSize + indexSize(bytes))
  }

  has(tag: number): boolean {
    return this.#entries.has(tag)
  }

  tags(): IterableIterator<number> {
    return this.#entries.keys()
  }

  entry(tag: number): { readonly type: number; readonly count: number } | undefined {
    return this.#entries.get(tag)
  }

  string(tag: number): ByteString | undefined {
    const entry = this.#textEntry(tag)
    return entry && this.#data.toString('latin1', entry.offset, this.#data.indexOf(0, entry.offset))
  }

  strings(tag: number): ByteString[] | undefined {
    const column = this.column(tag)
    return column && [...column]
  }

  column(tag: number): StringColumn | undefined {
    const entry = this.#textEntry(tag)
    return entry && new StringColumn(this.#data, entry.offset, entry.count)
  }

  number(tag: number): number | undefined {
    const entry = this.#numericEntry(tag)
    return entry && this.#decode(entry, tag, 1)[0]
  }

  numbers(tag: number): ArrayLike<number> | undefined {
    const entry = this.#numericEntry(tag)
    return entry && this.#decode(entry, tag, entry.count)
  }

  binary(tag: number): Uint8Array | undefined {
    const entry = this.#entries.get(tag)
    if (!entry) return undefined
    if (entry.type !== 7) throw this.#wrongType(tag, entry, 'BIN')
    return this.#data.subarray(entry.offset, entry.offset + entry.count)
  }

  checkType(tag: number): void {
    const expected = tagTypes.get(tag)
    const entry = this.#entries.get(tag)
    if (!expected || !entry) return
    const stored = entry.type
    if (expected === 'text' ? stored === 6 || stored === 8 || stored === 9 : numericTypes[expected] === stored) return
    throw this.#wrongType(tag, entry, expected.toUpperCase())
  }

  #textEntry(tag: number): IndexEntry | undefined {
    const entry = this.#entries.get(tag)
    if (entry && entry.type !== 6 && entry.type !== 8 && entry.type !== 9) throw this.#wrongType(tag, entry, 'STRING')
    return entry
  }

  #numericEntry(tag: number): IndexEntry | undefined {
    const entry = this.#entries.get(tag)
    if (entry && !(entry.type in numericSizes)) throw this.#wrongType(tag, entry, 'INT')
    return entry
  }

  #decode(entry: IndexEntry, tag: number, count: number): ArrayLike<number> {
    const data = this.#data
    const { offset, type } = entry
    switch (numericSizes[type]) {
      case 1:
        return data.subarray(offset, offset + count)
      case 2:
        return new Uint16Array(inOrderOfMachine(data, offset, count, 2))
      case 4:
        return new Uint32Array(inOrderOfMachine(data, offset, count, 4))
      default: {
        const numbers = new Float64Array(count)
        for (let i = 0; i < count; i++) {
          const number = data.readUInt32BE(offset + 8 * i) * 2 ** 32 + data.readUInt32BE(offset + 8 * i + 4)
          if (number > Number.MAX_SAFE_INTEGER) {
            throw new RpmError('number-too-large', `${tagName(tag, this.#kind)} holds a number above 2^53`, {
              offset: this.#position(entry) + 8 * i,
            })
          }
          numbers[i] = number
        }
        return numbers
      }
    }
  }

  #position(entry: IndexEntry): number {
    return this.offset + introSize + indexSize(this.bytes) + entry.offset
  }

  #wrongType(tag: number, entry: IndexEntry, expected: string): RpmError {
    return new RpmError(
      'wrong-tag-type',
      `${tagName(tag, this.#kind)} is stored as ${typeNames[entry.type]}, not ${expected}`,
      {
        offset: this.#position(entry),
      },
    )
  }
}

/** A copy of `count` big-endian numbers as this machine would write them, in one go: one by one they cost ten times as much. */
function inOrderOfMachine(data: Buffer, offset: number, count: number, size: 2 | 4): ArrayBuffer {
  const numbers = new ArrayBuffer(size * count)
  const bytes = Buffer.from(numbers)
  data.copy(bytes, 0, offset, offset + bytes.length)
  if (endianness() === 'BE') return numbers
  if (size === 2) bytes.swap16()
  else bytes.swap32()
  return numbers
}

const numericTypes: Record<string, number> = { int16: 3, int32: 4, int64: 5, binary: 7 }
