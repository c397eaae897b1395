import { RpmError } from '../errors.ts'
import { outputChunkSize } from './zlib-stream.ts'

/** No symbol needs more bytes of input than this. */
const longestSymbol = 20
const probabilityBits = 11
const half = 1 << (probabilityBits - 1)
const adaptation = 5
const topValue = 2 ** 24
const states = 12
const firstNonLiteralState = 7
const positionStates = 16
const shortestMatch = 2
const smallestRing = 1024 * 1024

/** Lengths of matches: 2–9, 10–17, or 18–273. */
class LengthModel {
  readonly choice = fresh(2)
  readonly low = fresh(positionStates << 3)
  readonly mid = fresh(positionStates << 3)
  readonly high = fresh(1 << 8)
}

/**
 * LZMA in pieces: input may end anywhere, output comes in chunks of about 512 KiB. Memory is the dictionary, and that
 * grows only with what is written into it.
 */
export class LzmaDecoder {
  finished = false
  #code = 0
  #range = 0xffffffff
  #input: Uint8Array = new Uint8Array(0)
  #at = 0

  #ring = Buffer.allocUnsafe(64 * 1024)
  readonly #ringSize: number
  readonly #dictionarySize: number
  #position = 0
  #flushed = 0
  #total = 0
  #ready: Buffer[] = []
  readonly #size: number | undefined

  readonly #literalContextBits: number
  readonly #literalPositionMask: number
  readonly #positionMask: number

  #state = 0
  readonly #distances = [0, 0, 0, 0] as [number, number, number, number]
  readonly #literals: Uint16Array
  readonly #isMatch = fresh(states << 4)
  readonly #isRepeat = fresh(states)
  readonly #isRepeat0 = fresh(states)
  readonly #isRepeat0Long = fresh(states << 4)
  readonly #isRepeat1 = fresh(states)
  readonly #isRepeat2 = fresh(states)
  readonly #slots = fresh(4 << 6)
  readonly #special = fresh(128)
  readonly #align = fresh(16)
  readonly #matchLength = new LengthModel()
  readonly #repeatLength = new LengthModel()

  /** `properties` packs lc, lp and pb; `size` is undefined where an end marker tells the end. */
  constructor(properties: number, dictionarySize: number, size: number | undefined) {
    const lc = properties % 9
    const lp = Math.floor(properties / 9) % 5
    const pb = Math.floor(properties / 45)
    if (pb > 4 || lc + lp > 4) throw corruptLzma(`the properties ${properties}`)
    this.#literalContextBits = lc
    this.#literalPositionMask = (1 << lp) - 1
    this.#positionMask = (1 << pb) - 1
    this.#literals = fresh(0x300 << (lc + lp))
    this.#dictionarySize = Math.max(dictionarySize, 4096)
    this.#ringSize = Math.max(this.#dictionarySize, smallestRing)
    this.#size = size
  }

  /** The five bytes that begin the range coder. */
  start(bytes: Buffer): void {
    if (bytes[0] !== 0) throw corruptLzma('the range coder does not begin with 0')
    this.#code = bytes.readUInt32BE(1)
    if (this.#code === 0xffffffff) throw corruptLzma('the range coder begins with all ones')
    if (this.#size === 0) this.#finish()
  }

  /** Whether nothing was left in the range coder; a damaged stream seldom ends so. */
  get endedWell(): boolean {
    return this.#code === 0
  }

  /** Decodes until a chunk is full or the input might end within a symbol; returns how much of it was used. */
  decode(input: Uint8Array, last: boolean): number {
    this.#input = input
    this.#at = 0
    const safe = last ? Number.POSITIVE_INFINITY : input.length - longestSymbol
    const enough = this.#total + outputChunkSize
    while (!this.finished && this.#total < enough && this.#at <= safe) this.#symbol()
    this.#flush()
    return this.#at
  }

  take(): Buffer[] {
    const ready = this.#ready
    this.#ready = []
    return ready
  }

  #symbol(): void {
    const positionState = this.#total & this.#positionMask
    const state = this.#state
    if (this.#bit(this.#isMatch, (state << 4) + positionState) === 0) {
      this.#literal()
    } else if (this.#bit(this.#isRepeat, state) === 0) {
      const length = this.#length(this.#matchLength, positionState)
      this.#state = state < firstNonLiteralState ? 7 : 10
      const distance = this.#distance(length)
      if (distance === 0xffffffff) {
        if (this.#size !== undefined && this.#total !== this.#size) throw corruptLzma('it ends before its size')
        this.#finish()
        return
      }
      const [first, second, third] = this.#distances
      this.#setDistances(distance, first, second, third)
      this.#copy(distance, length)
    } else {
      this.#repeat(state, positionState)
    }
    if (this.#total === this.#size) this.#finish()
  }

  #literal(): void {
    const previous = this.#total > 0 ? this.#ring[(this.#position || this.#ringSize) - 1]! : 0
    const context =
      ((this.#total & this.#literalPositionMask) << this.#literalContextBits) +
      (previous >> (8 - this.#literalContextBits))
    const base = 0x300 * context
    let symbol = 1
    if (this.#state >= firstNonLiteralState) {
      let matched = this.#byteAt(this.#distances[0])
      do {
        const matchBit = (matched >> 7) & 1
        matched <<= 1
        const bit = this.#bit(this.#literals, base + ((1 + matchBit) << 8) + symbol)
        symbol = (symbol << 1) | bit
        if (matchBit !== bit) break
      } while (symbol < 0x100)
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(this.#literals, base + symbol)
    this.#put(symbol & 0xff)
    const state = this.#state
    this.#state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6
  }

  #repeat(state: number, positionState: number): void {
    const [first, second, third, fourth] = this.#distances
    if (this.#bit(this.#isRepeat0, state) === 0) {
      if (this.#bit(this.#isRepeat0Long, (state << 4) + positionState) === 0) {
        this.#state = state < firstNonLiteralState ? 9 : 11
        this.#copy(first, 1)
        return
      }
    } else if (this.#bit(this.#isRepeat1, state) === 0) {
      this.#setDistances(second, first, third, fourth)
    } else if (this.#bit(this.#isRepeat2, state) === 0) {
      this.#setDistances(third, first, second, fourth)
    } else {
      this.#setDistances(fourth, first, second, third)
    }
    const length = this.#length(this.#repeatLength, positionState)
    this.#state = state < firstNonLiteralState ? 8 : 11
    this.#copy(this.#distances[0], length)
  }

  #setDistances(first: number, second: number, third: number, fourth: number): void {
    const distances = this.#distances
    distances[0] = first
    distances[1] = second
    distances[2] = third
    distances[3] = fourth
  }

  #length(model: LengthModel, positionState: number): number {
    if (this.#bit(model.choice, 0) === 0) return shortestMatch + this.#tree(model.low, positionState << 3, 3)
    if (this.#bit(model.choice, 1) === 0) return shortestMatch + 8 + this.#tree(model.mid, positionState << 3, 3)
    return shortestMatch + 16 + this.#tree(model.high, 0, 8)
  }

  #distance(length: number): number {
    const lengthState = Math.min(length - shortestMatch, 3)
    const slot = this.#tree(this.#slots, lengthState << 6, 6)
    if (slot < 4) return slot
    const directBits = (slot >> 1) - 1
    const distance = (2 | (slot & 1)) * 2 ** directBits
    if (slot < 14) return distance + this.#reverseTree(this.#special, distance - slot, directBits)
    return distance + this.#direct(directBits - 4) * 16 + this.#reverseTree(this.#align, 0, 4)
  }

  #tree(model: Uint16Array, base: number, bits: number): number {
    let symbol = 1
    for (let k = 0; k < bits; k++) symbol = (symbol << 1) | this.#bit(model, base + symbol)
    return symbol - (1 << bits)
  }

  #reverseTree(model: Uint16Array, base: number, bits: number): number {
    let symbol = 1
    let value = 0
    for (let k = 0; k < bits; k++) {
      const bit = this.#bit(model, base + symbol)
      symbol = (symbol << 1) | bit
      value |= bit << k
    }
    return value
  }

  #bit(model: Uint16Array, index: number): 0 | 1 {
    const probability = model[index]!
    const bound = (this.#range >>> probabilityBits) * probability
    let bit: 0 | 1
    if (this.#code < bound) {
      this.#range = bound
      model[index] = probability + (((1 << probabilityBits) - probability) >> adaptation)
      bit = 0
    } else {
      this.#range -= bound
      this.#code -= bound
      model[index] = probability - (probability >> adaptation)
      bit = 1
    }
    if (this.#range < topValue) this.#normalize()
    return bit
  }

  #direct(bits: number): number {
    let value = 0
    for (let k = 0; k < bits; k++) {
      this.#range = Math.floor(this.#range / 2)
      const bit = this.#code >= this.#range ? 1 : 0
      if (bit) this.#code -= this.#range
      value = value * 2 + bit
      if (this.#range < topValue) this.#normalize()
    }
    return value
  }

  #normalize(): void {
    if (this.#at >= this.#input.length) throw new RpmError('truncated-payload', 'the lzma stream ends within its data')
    this.#range *= 256
    this.#code = this.#code * 256 + this.#input[this.#at++]!
  }

  #copy(distance: number, length: number): void {
    if (distance >= this.#total || distance >= this.#dictionarySize)
      throw corruptLzma('a match reaches before the beginning')
    if (this.#size !== undefined && this.#total + length > this.#size) throw corruptLzma('it is longer than its size')
    for (let k = 0; k < length; k++) this.#put(this.#byteAt(distance))
  }

  /** `distance` 0 is the last byte. */
  #byteAt(distance: number): number {
    const at = this.#position - distance - 1
    return this.#ring[at < 0 ? at + this.#ringSize : at]!
  }

  #put(byte: number): void {
    this.#ring[this.#position++] = byte
    this.#total++
    if (this.#position < this.#ring.length) return
    if (this.#ring.length < this.#ringSize) {
      const larger = Buffer.allocUnsafe(Math.min(this.#ring.length * 2, this.#ringSize))
      this.#ring.copy(larger)
      this.#ring = larger
    } else {
      this.#flush()
      this.#position = 0
      this.#flushed = 0
    }
  }

  #flush(): void {
    if (this.#position > this.#flushed)
      this.#ready.push(Buffer.from(this.#ring.subarray(this.#flushed, this.#position)))
    this.#flushed = this.#position
  }

  #finish(): void {
    this.finished = true
  }
}

function fresh(length: number): Uint16Array {
  return new Uint16Array(length).fill(half)
}

export function corruptLzma(what: string): RpmError {
  return new RpmError('corrupt-compression', `the lzma stream is damaged: ${what}`)
}
