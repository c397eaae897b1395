/** CRC-64/XZ, in halves of 32 bits: node:zlib has only CRC-32. */
const high = new Uint32Array(256)
const low = new Uint32Array(256)
for (let n = 0; n < 256; n++) {
  let hi = 0
  let lo = n
  for (let k = 0; k < 8; k++) {
    const carry = lo & 1
    lo = (lo >>> 1) | (hi << 31)
    hi >>>= 1
    if (carry) {
      hi ^= 0xc96c5795
      lo ^= 0xd7870f42
    }
  }
  high[n] = hi
  low[n] = lo
}

export class Crc64 {
  #hi = 0xffffffff
  #lo = 0xffffffff

  update(bytes: Uint8Array): this {
    let hi = this.#hi
    let lo = this.#lo
    for (let k = 0; k < bytes.length; k++) {
      const slot = (lo ^ bytes[k]!) & 0xff
      lo = ((lo >>> 8) | (hi << 24)) ^ low[slot]!
      hi = (hi >>> 8) ^ high[slot]!
    }
    this.#hi = hi
    this.#lo = lo
    return this
  }

  /** Little endian, as xz stores it. */
  digest(): Buffer {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32LE(~this.#lo >>> 0, 0)
    bytes.writeUInt32LE(~this.#hi >>> 0, 4)
    return bytes
  }
}
