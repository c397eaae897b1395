/**
 * Walks a whole deflate stream (RFC 1951) to the end of its last block. Nothing is decompressed: only the lengths of
 * codes count. AssemblyScript, since the walk stands behind every block that is compressed: 64 bits are looked at at
 * once, and WebAssembly is quick from the first block on, in every thread. `build-walk.ts` makes deflate-walk.wasm of
 * it, which `continuable-deflate.ts` uses.
 */

// Memory: two tables of steps, what they are made from, the code of the code lengths, the stream. The compiler's own
// data lies at 5000 (--memoryBase).
const steps: usize = 0
const lengths: usize = 2048
const counts: usize = 2560
const symbols: usize = 2688
const places: usize = 3968
const lengthSteps: usize = 4096
/** Where the stream stands; 32 bytes behind its end must be readable. */
export const stream: usize = 8192

// What `walk` returns instead of an end.
const endsBeforeLastBlock: i32 = -1
const endsWithinBlock: i32 = -2
const followed: i32 = -3
const reservedType: i32 = -4
const tooManyLengths: i32 = -5
const unknownCode: i32 = -6

// A step: how many bits a code and what belongs to it take, and what the code is if it is no literal.
const stepBits: u32 = 0x1f
const match: u32 = 0x20
const endOfBlock: u32 = 0x40
/** The bits begin a code that is longer than the table is wide, or none. */
const rare: u32 = 0x80

/** Codes of so many bits are looked up. Longer ones are rare: their bits are followed one by one. */
const frequentBits: u32 = 10
const frequent: u32 = 1 << frequentBits
const longestCode: u32 = 15
const literalSymbols: u32 = 288
const distanceSymbols: u32 = 32
const endSymbol: u32 = 256

let lastBlock: i32 = 0

/** First bit of the last block, after `walk`. */
export function lastBlockStart(): i32 {
  return lastBlock
}

/** The bit behind the last block of the `length` bytes at `stream`, less than 256 MiB, or why they are no stream. */
export function walk(length: i32): i32 {
  const bits = length << 3
  let at: i32 = 0
  while (true) {
    if (at + 3 > bits) return endsBeforeLastBlock
    const isLast = peek(at) & 1
    lastBlock = at
    at = blockEnd(at, bits)
    if (at < 0) return at
    if (at > bits) return endsWithinBlock
    if (isLast) return (at + 7) >>> 3 == length ? at : followed
  }
}

function blockEnd(start: i32, limit: i32): i32 {
  switch ((<u32>peek(start) >>> 1) & 3) {
    case 0:
      return storedEnd(start + 3)
    case 1: {
      fixedLengths()
      readCodes(literalSymbols, distanceSymbols)
      return symbolsEnd(start + 3, limit)
    }
    case 2: {
      const at = dynamicCodes(start + 3, limit)
      return at < 0 ? at : symbolsEnd(at, limit)
    }
    default:
      return reservedType
  }
}

function storedEnd(at: i32): i32 {
  const lengthAt = (at + 7) >>> 3
  return (lengthAt + 4 + load<u16>(stream + lengthAt)) << 3
}

/**
 * Symbols up to the end of the block: the hot loop. Which of the two codes is next is a part of the index, since no
 * processor guesses a branch on it; two steps fit into one look, since neither takes more than 23 bits.
 */
function symbolsEnd(start: i32, limit: i32): i32 {
  let at = start
  let code: u32 = 0
  while (at < limit) {
    const next = peek(at)
    let step = stepAt(code, next)
    const second = stepAt(codeAfter(step), next >>> (step & stepBits))
    if (((step | second) & (rare | endOfBlock)) == 0) {
      at += (step & stepBits) + (second & stepBits)
      code = codeAfter(second)
      continue
    }
    if (step == rare) step = rareStep(code == 0 ? 0 : 1, <u32>next)
    if (step == 0) return unknownCode
    at += step & stepBits
    if (step & endOfBlock) return at
    code = codeAfter(step)
  }
  return endsWithinBlock
}

// @ts-ignore: decorator
@inline
function stepAt(code: u32, next: u64): u32 {
  return load<u8>(steps + (code | (<u32>next & (frequent - 1))))
}

/** Where the next step's table begins: a distance follows a match. */
// @ts-ignore: decorator
@inline
function codeAfter(step: u32): u32 {
  return (step & match) << (frequentBits - 5)
}

/** The 57 bits and more from bit `at` on. */
// @ts-ignore: decorator
@inline
function peek(at: i32): u64 {
  return load<u64>(stream + (at >>> 3)) >>> (at & 7)
}

/** RFC 1951 §3.2.6. */
function fixedLengths(): void {
  memory.fill(lengths, 8, 144)
  memory.fill(lengths + 144, 9, 112)
  memory.fill(lengths + 256, 7, 24)
  memory.fill(lengths + 280, 8, 8)
  memory.fill(lengths + literalSymbols, 5, distanceSymbols)
}

/** The order in which the lengths of the code length code stand, RFC 1951 §3.2.7. */
const lengthOrder = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])
const lengthSymbols: u32 = 19
const longestLengthCode: u32 = 7

/** Reads the codes of a dynamic block; the bit behind them, or why they are none. */
function dynamicCodes(start: i32, limit: i32): i32 {
  const sizes = <u32>peek(start)
  const literals = (sizes & 31) + endSymbol + 1
  const distances = ((sizes >>> 5) & 31) + 1
  const lengthCodes = ((sizes >>> 10) & 15) + 4
  let at = start + 14
  memory.fill(lengths, 0, lengthSymbols)
  for (let k: u32 = 0; k < lengthCodes; k++, at += 3) {
    store<u8>(lengths + load<u8>(lengthOrder + k), <u8>(peek(at) & 7))
  }
  readLengthCode()

  const all = literals + distances
  for (let filled: u32 = 0; filled < all; ) {
    if (at >= limit) return endsWithinBlock
    let next = <u32>peek(at)
    const step = <u32>load<u8>(lengthSteps + (next & 127))
    if (step == 0) return unknownCode
    at += step & 7
    next >>>= step & 7
    const symbol = step >>> 3
    if (symbol < 16) {
      store<u8>(lengths + filled++, symbol)
      continue
    }
    const extra = symbol == 16 ? 2 : symbol == 17 ? 3 : 7
    const repeat = (symbol == 18 ? 11 : 3) + (next & ((1 << extra) - 1))
    at += extra
    if (filled + repeat > all) return tooManyLengths
    const repeated = symbol == 16 && filled > 0 ? load<u8>(lengths + filled - 1) : 0
    memory.fill(lengths + filled, repeated, repeat)
    filled += repeat
  }
  readCodes(literals, distances)
  return at
}

/** Symbol × 8 + length, by the next seven bits; 0 where they begin no code. */
function readLengthCode(): void {
  memory.fill(lengthSteps, 0, 128)
  let code: u32 = 0
  for (let length: u32 = 1; length <= longestLengthCode; length++, code <<= 1) {
    for (let symbol: u32 = 0; symbol < lengthSymbols; symbol++) {
      if (load<u8>(lengths + symbol) != length) continue
      for (let at = reversed(code, length); at < 128; at += 1 << length) {
        store<u8>(lengthSteps + at, (symbol << 3) | length)
      }
      code++
    }
  }
}

/** The codes whose lengths stand at `lengths`: those of literals and matches, then those of distances. */
function readCodes(literals: u32, distances: u32): void {
  readCode(0, lengths, literals)
  readCode(1, lengths + literals, distances)
}

/** RFC 1951 §3.2.2: how many codes there are of each length, the symbols in the order of their codes, then the steps. */
function readCode(kind: u32, from: usize, size: u32): void {
  const ofLength = counts + kind * 32
  const inOrder = symbols + kind * 640
  memory.fill(ofLength, 0, 32)
  for (let k: u32 = 0; k < size; k++) {
    const count = ofLength + 2 * <usize>load<u8>(from + k)
    store<u16>(count, load<u16>(count) + 1)
  }
  store<u16>(ofLength, 0)
  store<u16>(places + 2, 0)
  for (let length: usize = 1; length < longestCode; length++) {
    store<u16>(places + 2 * length + 2, load<u16>(places + 2 * length) + load<u16>(ofLength + 2 * length))
  }
  for (let symbol: u32 = 0; symbol < size; symbol++) {
    const length = <usize>load<u8>(from + symbol)
    if (length == 0) continue
    const place = load<u16>(places + 2 * length)
    store<u16>(places + 2 * length, place + 1)
    store<u16>(inOrder + 2 * <usize>place, symbol)
  }

  const table = steps + kind * frequent
  memory.fill(table, <u8>rare, frequent)
  let code: u32 = 0
  let place: usize = 0
  for (let length: u32 = 1; length <= frequentBits; length++, code <<= 1) {
    for (let left = load<u16>(ofLength + 2 * <usize>length); left > 0; left--, code++, place++) {
      const step = stepOf(kind, load<u16>(inOrder + 2 * place), length)
      if (step == 0) continue
      for (let at = reversed(code, length); at < frequent; at += 1 << length) store<u8>(table + at, step)
    }
  }
}

/** Bit by bit, as the code is defined; 0 where the bits are no code. */
function rareStep(kind: u32, next: u32): u32 {
  const ofLength = counts + kind * 32
  const inOrder = symbols + kind * 640
  let code: u32 = 0
  let first: u32 = 0
  let place: u32 = 0
  for (let length: u32 = 1; length <= longestCode; length++) {
    code |= (next >>> (length - 1)) & 1
    const count = <u32>load<u16>(ofLength + 2 * <usize>length)
    if (code - first < count) return stepOf(kind, load<u16>(inOrder + 2 * <usize>(place + code - first)), length)
    place += count
    first = (first + count) << 1
    code <<= 1
  }
  return 0
}

/** 0 for a symbol that stands for nothing. Extra bits as in the tables of RFC 1951 §3.2.5. */
function stepOf(kind: u32, symbol: u32, length: u32): u32 {
  if (kind == 1) return symbol > 29 ? 0 : length + (symbol < 4 ? 0 : (symbol - 2) >>> 1)
  if (symbol < endSymbol) return length
  if (symbol == endSymbol) return length | endOfBlock
  if (symbol > 285) return 0
  const extra = symbol < 265 || symbol == 285 ? 0 : (symbol - 261) >>> 2
  return (length + extra) | match
}

function reversed(code: u32, length: u32): u32 {
  let result: u32 = 0
  for (let k: u32 = 0; k < length; k++, code >>>= 1) result = (result << 1) | (code & 1)
  return result
}
