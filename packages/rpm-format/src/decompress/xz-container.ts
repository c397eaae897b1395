import { crc32 } from 'node:zlib'
import { RpmError } from '../errors.ts'
import type { CheckType } from './xz-check.ts'

const lzma2 = 0x21
const largestDictionary = 64 * 1024 * 1024
const filterNames: Record<number, string> = {
  3: 'delta',
  4: 'BCJ x86',
  5: 'BCJ PowerPC',
  6: 'BCJ IA-64',
  7: 'BCJ ARM',
  8: 'BCJ ARM Thumb',
  9: 'BCJ SPARC',
  10: 'BCJ ARM64',
  11: 'BCJ RISC-V',
}

/** The 12 bytes that begin a stream: magic, flags, CRC. */
export function parseStreamFlags(bytes: Buffer): CheckType {
  if (bytes.readUInt32LE(8) !== crc32(bytes.subarray(6, 8))) throw corrupt('the CRC of the stream header does not hold')
  const type = bytes[7]!
  if (bytes[6] !== 0 || type > 15)
    throw new RpmError('unsupported-check', 'the xz stream has flags that no version defines')
  switch (type) {
    case 0:
      return 'none'
    case 1:
      return 'crc32'
    case 4:
      return 'crc64'
    case 10:
      return 'sha256'
    default:
      throw new RpmError('unsupported-check', `the xz stream has the unknown check type ${type}`)
  }
}

export interface BlockHeader {
  readonly dictionaryCode: number
  readonly compressed: number | undefined
  readonly uncompressed: number | undefined
}

/** Refuses all but a single LZMA2 filter with a dictionary of at most 64 MiB. */
export function parseBlockHeader(bytes: Buffer): BlockHeader {
  const end = bytes.length - 4
  if (bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end)))
    throw corrupt('the CRC of a block header does not hold')
  const flags = bytes[1]!
  if (flags & 0x3c) throw corrupt('reserved bits in a block header')
  const fields = new Fields(bytes.subarray(0, end))
  const compressed = flags & 0x40 ? fields.number() : undefined
  const uncompressed = flags & 0x80 ? fields.number() : undefined
  if (compressed === 0) throw corrupt('a block announces no data')

  let dictionaryCode = 0
  for (let left = (flags & 3) + 1; left > 0; left--) {
    const filter = fields.number()
    const properties = fields.bytes(fields.number())
    if (filter !== lzma2) {
      const name = filterNames[filter] ?? `number ${filter}`
      throw new RpmError('unsupported-filter', `the xz stream uses the filter ${name}; only LZMA2 can be decoded`)
    }
    if (left > 1 || properties.length !== 1) throw corrupt('LZMA2 is not the last filter of a block')
    dictionaryCode = properties[0]!
  }
  if (fields.rest().some(byte => byte !== 0)) throw corrupt('block header padding that is not zero')
  const dictionary = dictionarySize(dictionaryCode)
  if (dictionary > largestDictionary) {
    throw new RpmError(
      'dictionary-too-large',
      `an xz dictionary of ${dictionary} bytes; ${largestDictionary} are allowed`,
    )
  }
  return { dictionaryCode, compressed, uncompressed }
}

function dictionarySize(code: number): number {
  if (code > 40) throw corrupt(`the dictionary size code ${code}`)
  return code === 40 ? 2 ** 32 - 1 : (2 | (code & 1)) * 2 ** ((code >> 1) + 11)
}

/** Seven bits a byte, low ones first, no more bytes than needed. */
export function encodeNumber(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80)
  bytes.push(left)
  return Buffer.from(bytes)
}

class Fields {
  readonly #bytes: Buffer
  #at = 2

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  number(): number {
    let value = 0
    for (let k = 0; k < 9; k++) {
      const byte = this.bytes(1)[0]!
      value += (byte & 0x7f) * 2 ** (7 * k)
      if (byte < 0x80) {
        if (byte === 0 && k > 0) break
        if (value > Number.MAX_SAFE_INTEGER) break
        return value
      }
    }
    throw corrupt('a malformed number in a block header')
  }

  bytes(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw corrupt('a block header that is too short')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at)
  }
}

function corrupt(what: string): RpmError {
  return new RpmError('corrupt-compression', `the xz stream is damaged: ${what}`)
}
