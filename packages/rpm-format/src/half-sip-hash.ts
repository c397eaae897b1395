/** A key of HalfSipHash, and with it the state that every hash begins with. */
export type SipKey = readonly [number, number]

export function randomSipKey(): SipKey {
  const key = crypto.getRandomValues(new Uint32Array(2))
  return [key[0]!, key[1]!]
}

/**
 * HalfSipHash-1-3 over the chars of a byte string: 32 bits that nobody can aim at without the key, so that chosen names
 * do not all fall into one place of a table.
 * Source: Aumasson, Bernstein: SipHash; the halved form as in Linux' lib/siphash.c.
 */
export class HalfSipHash {
  #v0: number
  #v1: number
  #v2: number
  #v3: number
  #word = 0
  #length = 0

  constructor([k0, k1]: SipKey) {
    this.#v0 = k0
    this.#v1 = k1
    this.#v2 = 0x6c796765 ^ k0
    this.#v3 = 0x74656462 ^ k1
  }

  /** Takes the chars from `start` on, each one byte. */
  update(text: string, start: number, end: number): void {
    let word = this.#word
    let length = this.#length
    for (let k = start; k < end; k++) {
      word |= text.charCodeAt(k) << ((length & 3) << 3)
      length++
      if ((length & 3) === 0) {
        this.#v3 ^= word
        this.#rounds(1)
        this.#v0 ^= word
        word = 0
      }
    }
    this.#word = word
    this.#length = length
  }

  /** Of what was taken so far; more may follow. */
  digest(): number {
    const [a, b, c, d] = [this.#v0, this.#v1, this.#v2, this.#v3] as const
    const last = this.#word | ((this.#length & 0xff) << 24)
    this.#v3 ^= last
    this.#rounds(1)
    this.#v0 ^= last
    this.#v2 ^= 0xff
    this.#rounds(3)
    const hash = (this.#v1 ^ this.#v3) >>> 0
    this.#v0 = a
    this.#v1 = b
    this.#v2 = c
    this.#v3 = d
    return hash
  }

  #rounds(count: number): void {
    let v0 = this.#v0
    let v1 = this.#v1
    let v2 = this.#v2
    let v3 = this.#v3
    for (; count > 0; count--) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    this.#v0 = v0
    this.#v1 = v1
    this.#v2 = v2
    this.#v3 = v3
  }
}
