/**
 * A whole deflate stream (RFC 1951) becomes the beginning of one: its last block no longer says that it is the last, and
 * an empty stored block behind it ends on a byte, as after zlib's Z_SYNC_FLUSH. Another stream may follow at once. Block
 * by block the stream is walked, since only its end tells where the last block begins; nothing is decompressed.
 *
 * `RangeError` where the bytes are no deflate stream or something follows it.
 */
export function continuable(stream: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(stream.length + sync.length + lookahead)
  bytes.set(stream)
  const { start, end } = lastBlock(new DataView(bytes.buffer), stream.length)
  bytes[start >>> 3]! &= ~(1 << (start & 7))
  // The stream's last byte is filled with zeros: three of them may already be the empty block's own header.
  const synced = (end + 3 + 7) >>> 3
  bytes.set(sync, synced)
  return bytes.subarray(0, synced + sync.length)
}

/** LEN 0 and its complement, behind the three bits of a stored block and padding up to a byte. */
const sync = Uint8Array.of(0, 0, 0xff, 0xff)

/** Bits are looked at 25 and more at a time, also those behind the end. */
const lookahead = 8

/** First and last bit, the latter exclusive. */
interface BlockSpan {
  readonly start: number
  readonly end: number
}

function lastBlock(view: DataView, length: number): BlockSpan {
  const bits = 8 * length
  for (let start = 0; ; ) {
    if (start + 3 > bits) throw malformed('it ends before its last block')
    const isLast = (peek(view, start) & 1) === 1
    const end = blockEnd(view, start)
    if (end > bits) throw malformed('it ends within a block')
    if (!isLast) start = end
    else if ((end + 7) >>> 3 === length) return { start, end }
    else throw malformed('something follows its last block')
  }
}

function blockEnd(view: DataView, start: number): number {
  switch ((peek(view, start) >>> 1) & 3) {
    case 0:
      return storedEnd(view, start + 3)
    case 1:
      return symbolsEnd(view, start + 3, new Code(fixedLiterals, literalStep), new Code(fixedDistances, distanceStep))
    case 2:
      return dynamicEnd(view, start + 3)
    default:
      throw malformed('a block of the reserved type')
  }
}

function storedEnd(view: DataView, at: number): number {
  const lengthAt = (at + 7) >>> 3
  return 8 * (lengthAt + 4 + view.getUint16(lengthAt, true))
}

/**
 * Symbols up to the end of the block: the hot loop of this file. Which of the two codes is next is a part of the index,
 * since no processor guesses a branch on it.
 */
function symbolsEnd(view: DataView, start: number, literals: Code, distances: Code): number {
  const steps = new Uint8Array(2 << frequentBits)
  steps.set(literals.steps)
  steps.set(distances.steps, 1 << frequentBits)
  const limit = 8 * (view.byteLength - lookahead)
  let code = 0
  for (let at = start; at < limit; ) {
    const next = peek(view, at)
    const step = steps[code | (next & frequentMask)]! || (code === 0 ? literals : distances).rareStep(next)
    at += step & stepBits
    if (step >= endOfBlock) return at
    // From bit 5 to the one that chooses between the tables.
    code = (step & match) << (frequentBits - 5)
  }
  throw malformed('it ends within a block')
}

// A step: how many bits a code and what belongs to it take, and what the code is if it is no literal.
const stepBits = 0x1f
const match = 0x20
const endOfBlock = 0x40

/** Codes of so many bits are looked up. Longer ones are rare, and tables for them cost more than following their bits. */
const frequentBits = 10
const frequentMask = (1 << frequentBits) - 1
const longestCode = 15

/** A code of RFC 1951 §3.2.2 with the step that each of its symbols makes; `undefined` where a symbol stands for nothing. */
class Code {
  /** By the bits that come next; 0 where those begin a longer code, or none. */
  readonly steps = new Uint8Array(1 << frequentBits)
  /** Codes of each length, and the symbols in the order of their codes. */
  readonly #counts = new Uint16Array(longestCode + 1)
  readonly #symbols: Uint16Array
  readonly #stepOf: (symbol: number, length: number) => number | undefined

  constructor(lengths: Uint8Array, stepOf: (symbol: number, length: number) => number | undefined) {
    this.#stepOf = stepOf
    for (const length of lengths) this.#counts[length]!++
    this.#counts[0] = 0
    const places = new Uint16Array(longestCode + 2)
    for (let length = 1; length <= longestCode; length++) places[length + 1] = places[length]! + this.#counts[length]!
    this.#symbols = new Uint16Array(places[longestCode + 1]!)
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== 0) this.#symbols[places[lengths[symbol]!]!++] = symbol
    }
    this.#fillSteps()
  }

  #fillSteps(): void {
    let code = 0
    let place = 0
    for (let length = 1; length <= frequentBits; length++, code <<= 1) {
      for (let left = this.#counts[length]!; left > 0; left--, code++) {
        const step = this.#stepOf(this.#symbols[place++]!, length) ?? 0
        for (let at = reversed(code, length); at <= frequentMask; at += 1 << length) this.steps[at] = step
      }
    }
  }

  /** Bit by bit, as the code is defined. */
  rareStep(next: number): number {
    let code = 0
    let first = 0
    let place = 0
    for (let length = 1; length <= longestCode; length++) {
      code |= (next >>> (length - 1)) & 1
      const count = this.#counts[length]!
      if (code - first < count) {
        const step = this.#stepOf(this.#symbols[place + code - first]!, length)
        if (step !== undefined) return step
        break
      }
      place += count
      first = (first + count) << 1
      code <<= 1
    }
    throw malformed('a code that stands for nothing')
  }
}

function reversed(code: number, length: number): number {
  let result = 0
  for (let k = 0, left = code; k < length; k++, left >>>= 1) result = (result << 1) | (left & 1)
  return result
}

/** Extra bits of length codes 257–285 and distance codes 0–29, RFC 1951 §3.2.5. */
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const distanceExtra = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13]
const endSymbol = 256

function literalStep(symbol: number, length: number): number | undefined {
  if (symbol < endSymbol) return length
  if (symbol === endSymbol) return length | endOfBlock
  const extra = lengthExtra[symbol - endSymbol - 1]
  return extra === undefined ? undefined : (length + extra) | match
}

function distanceStep(symbol: number, length: number): number | undefined {
  const extra = distanceExtra[symbol]
  return extra === undefined ? undefined : length + extra
}

/** RFC 1951 §3.2.6. */
const fixedLiterals = Uint8Array.from({ length: 288 }, (_, k) => (k < 144 ? 8 : k < 256 ? 9 : k < 280 ? 7 : 8))
const fixedDistances = new Uint8Array(32).fill(5)

/** The order in which the lengths of the code length code stand, RFC 1951 §3.2.7. */
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

function dynamicEnd(view: DataView, start: number): number {
  const counts = peek(view, start)
  const literals = (counts & 31) + endSymbol + 1
  const distances = ((counts >>> 5) & 31) + 1
  const lengthCodes = ((counts >>> 10) & 15) + 4
  let at = start + 14
  const ofLengths = new Uint8Array(lengthOrder.length)
  for (let k = 0; k < lengthCodes; k++, at += 3) ofLengths[lengthOrder[k]!] = peek(view, at) & 7
  const lengthCode = new Code(ofLengths, (symbol, length) => (symbol << 3) | length)

  const lengths = new Uint8Array(literals + distances)
  for (let filled = 0; filled < lengths.length; ) {
    const next = peek(view, at)
    const step = lengthCode.steps[next & frequentMask]! || lengthCode.rareStep(next)
    at += step & 7
    const symbol = step >>> 3
    if (symbol < 16) {
      lengths[filled++] = symbol
      continue
    }
    const [extra, base] = symbol === 16 ? [2, 3] : symbol === 17 ? [3, 3] : [7, 11]
    const repeat = base + (peek(view, at) & ((1 << extra) - 1))
    at += extra
    if (filled + repeat > lengths.length) throw malformed('more code lengths than codes')
    if (symbol === 16) lengths.fill(lengths[filled - 1] ?? 0, filled, filled + repeat)
    filled += repeat
  }
  return symbolsEnd(
    view,
    at,
    new Code(lengths.subarray(0, literals), literalStep),
    new Code(lengths.subarray(literals), distanceStep),
  )
}

/** The 25 bits and more from bit `at` on. */
function peek(view: DataView, at: number): number {
  return view.getUint32(at >>> 3, true) >>> (at & 7)
}

function malformed(what: string): RangeError {
  return new RangeError(`no deflate stream: ${what}`)
}
