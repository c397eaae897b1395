import { RpmError } from '../errors.ts'

export interface Bits {
  /** The next `count` bits (at most 24) as a number, high bits first. */
  bits(count: number): number
}

export const blockMagic = 0x314159265359
export const endMagic = 0x177245385090

const groupSize = 50
const longestCode = 20
const runA = 0
const runB = 1

interface CodeTable {
  readonly shortest: number
  readonly longest: number
  /** Largest code of each length, -1 where there is none. */
  readonly limit: Int32Array
  /** What to take from a code of each length to get its place in `symbols`. */
  readonly base: Int32Array
  readonly symbols: Uint16Array
}

/** One block at a time: Huffman, move to front, Burrows-Wheeler, run lengths. */
export class Bzip2Block {
  /** Low 8 bits: a byte of the block; the rest: where the next one is. */
  readonly #chain: Uint32Array
  #length = 0
  #start = 0
  #expectedCrc = 0
  #crc = 0

  /** `size` is the number of bytes that a block may have before run lengths are undone. */
  constructor(size: number) {
    this.#chain = new Uint32Array(size)
  }

  /** Everything behind the block's magic. */
  read(input: Bits): void {
    this.#expectedCrc = (input.bits(16) * 2 ** 16 + input.bits(16)) >>> 0
    if (input.bits(1)) throw corruptBzip2('a randomised block, which nothing has written since 1997')
    this.#start = input.bits(24)
    const alphabet = readAlphabet(input)
    const tableCount = input.bits(3)
    if (tableCount < 2 || tableCount > 6) throw corruptBzip2(`${tableCount} code tables`)
    const selectors = readSelectors(input, tableCount)
    const tables = Array.from({ length: tableCount }, () => readTable(input, alphabet.length + 2))
    this.#readSymbols(input, alphabet, tables, selectors)
    if (this.#start >= this.#length) throw corruptBzip2('a block that begins outside itself')
    this.#link()
  }

  /** The block's bytes in pieces of up to 64 KiB; each piece is only valid until the next one is asked for. */
  *bytes(): Generator<Uint8Array, void, undefined> {
    const chain = this.#chain
    const out = new Uint8Array(64 * 1024)
    let filled = 0
    let crc = 0xffffffff
    let slot = chain[this.#start]! >>> 8
    let previous = -1
    let run = 0
    for (let left = this.#length; left > 0; left--) {
      const entry = chain[slot]!
      const byte = entry & 0xff
      slot = entry >>> 8
      let copies = 1
      let value = byte
      if (run === 4) {
        copies = byte
        value = previous
        run = 0
        previous = -1
      } else {
        run = byte === previous ? run + 1 : 1
        previous = byte
      }
      if (filled + copies > out.length) {
        yield out.subarray(0, filled)
        filled = 0
      }
      for (; copies > 0; copies--) {
        out[filled++] = value
        crc = (crc << 8) ^ crcTable[(crc >>> 24) ^ value]!
      }
    }
    this.#crc = ~crc >>> 0
    if (filled > 0) yield out.subarray(0, filled)
  }

  /** Once bytes() has ended. */
  checkedCrc(): number {
    if (this.#crc !== this.#expectedCrc) throw corruptBzip2('the CRC of a block does not hold')
    return this.#crc
  }

  #readSymbols(input: Bits, alphabet: Uint8Array, tables: readonly CodeTable[], selectors: Uint8Array): void {
    const chain = this.#chain
    const recent = alphabet.slice()
    const endOfBlock = alphabet.length + 1
    let length = 0
    let repeat = 0
    let weight = 1
    let group = 0
    let left = 0
    let table = tables[0]!
    for (;;) {
      if (left === 0) {
        if (group >= selectors.length) throw corruptBzip2('a block with fewer code groups than symbols')
        table = tables[selectors[group++]!]!
        left = groupSize
      }
      left--
      const symbol = readSymbol(input, table)
      if (symbol === runA || symbol === runB) {
        repeat += weight * (symbol + 1)
        weight *= 2
        if (repeat > chain.length) throw corruptBzip2('a run longer than its block')
        continue
      }
      if (repeat > 0) {
        if (length + repeat > chain.length) throw corruptBzip2('a block longer than its size')
        chain.fill(recent[0]!, length, length + repeat)
        length += repeat
        repeat = 0
        weight = 1
      }
      if (symbol === endOfBlock) break
      if (length >= chain.length) throw corruptBzip2('a block longer than its size')
      const byte = recent[symbol - 1]!
      recent.copyWithin(1, 0, symbol - 1)
      recent[0] = byte
      chain[length++] = byte
    }
    this.#length = length
  }

  /** Undoes the sort: after this each slot knows the one whose byte follows. */
  #link(): void {
    const chain = this.#chain
    const starts = new Uint32Array(257)
    for (let k = 0; k < this.#length; k++) starts[(chain[k]! & 0xff) + 1]!++
    for (let byte = 0; byte < 256; byte++) starts[byte + 1]! += starts[byte]!
    for (let k = 0; k < this.#length; k++) {
      const slot = starts[chain[k]! & 0xff]!++
      chain[slot] = (chain[slot]! | (k << 8)) >>> 0
    }
  }
}

/** The bytes that occur, as a bitmap of bitmaps. */
function readAlphabet(input: Bits): Uint8Array {
  const used: number[] = []
  const ranges = input.bits(16)
  for (let high = 0; high < 16; high++) {
    if (!(ranges & (0x8000 >> high))) continue
    const members = input.bits(16)
    for (let low = 0; low < 16; low++) if (members & (0x8000 >> low)) used.push(high * 16 + low)
  }
  if (used.length === 0) throw corruptBzip2('a block without bytes')
  return Uint8Array.from(used)
}

function readSelectors(input: Bits, tableCount: number): Uint8Array {
  const selectors = new Uint8Array(input.bits(15))
  const recent = Uint8Array.from({ length: tableCount }, (_, k) => k)
  for (let k = 0; k < selectors.length; k++) {
    let place = 0
    while (input.bits(1)) if (++place >= tableCount) throw corruptBzip2('a code group without a table')
    const table = recent[place]!
    recent.copyWithin(1, 0, place)
    recent[0] = table
    selectors[k] = table
  }
  return selectors
}

function readTable(input: Bits, symbolCount: number): CodeTable {
  const lengths = new Uint8Array(symbolCount)
  let length = input.bits(5)
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (length < 1 || length > longestCode) throw corruptBzip2(`a code of ${length} bits`)
      if (!input.bits(1)) break
      length += input.bits(1) ? -1 : 1
    }
    lengths[symbol] = length
  }

  const limit = new Int32Array(longestCode + 1).fill(-1)
  const base = new Int32Array(longestCode + 1)
  const symbols = new Uint16Array(symbolCount)
  let code = 0
  let place = 0
  for (let bits = 1; bits <= longestCode; bits++) {
    base[bits] = code - place
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      if (lengths[symbol] !== bits) continue
      symbols[place++] = symbol
      code++
    }
    if (lengths.includes(bits)) limit[bits] = code - 1
    if (code > 2 ** bits) throw corruptBzip2('a code table that is overfull')
    code *= 2
  }
  return { shortest: Math.min(...lengths), longest: Math.max(...lengths), limit, base, symbols }
}

function readSymbol(input: Bits, { shortest, longest, limit, base, symbols }: CodeTable): number {
  let code = input.bits(shortest)
  for (let bits = shortest; bits <= longest; bits++) {
    if (code <= limit[bits]!) return symbols[code - base[bits]!]!
    code = code * 2 + input.bits(1)
  }
  throw corruptBzip2('a code that is in no table')
}

/** CRC-32 with the high bit first. */
const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let k = 0; k < 8; k++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc
})

export function corruptBzip2(what: string): RpmError {
  return new RpmError('corrupt-compression', `the bzip2 stream is damaged: ${what}`)
}
