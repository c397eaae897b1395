import { createHash, createVerify, type Hash, type KeyObject, type Verify, verify } from 'node:crypto'
import { KeyAlgorithm, signatureHash } from './algorithms.ts'
import { malformed, type SignaturePacket } from './packet.ts'
import { keyFamily, keyObject, type PublicNumbers } from './public-key.ts'

/** Hashes the signed bytes as they come, however many; then asks whether a key made the signature. */
export class SignedBytes {
  readonly packet: SignaturePacket
  readonly #hash: Hash
  /** Not for the Edwards curves, which sign the hash itself. */
  readonly #verify: Verify | undefined

  /** undefined for hash algorithms that nobody here knows. */
  static of(packet: SignaturePacket): SignedBytes | undefined {
    const algorithm = signatureHash(packet.hashAlgorithm)
    return algorithm && new SignedBytes(packet, algorithm.node)
  }

  private constructor(packet: SignaturePacket, hashName: string) {
    this.packet = packet
    this.#hash = createHash(hashName)
    this.#verify = keyFamily(packet.keyAlgorithm) === 'edwards' ? undefined : createVerify(hashName)
    this.update(packet.salt)
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.#verify?.update(bytes)
  }

  /** Once, at the end: true only if the key with these numbers signed all that was given to update(). */
  madeBy(numbers: PublicNumbers): boolean {
    const { packet } = this
    if (keyFamily(numbers.algorithm) !== keyFamily(packet.keyAlgorithm)) return false
    this.update(packet.trailer)
    const digest = this.#hash.digest()
    if (!digest.subarray(0, 2).equals(packet.hashStart)) return false
    const { key, partSize } = keyObject(numbers)
    return this.#verify
      ? this.#verify.verify({ key, dsaEncoding: 'ieee-p1363' }, wholeSignature(packet, partSize))
      : edwardsHolds(packet, digest, key)
  }
}

/** RSA has one number, DSA and ECDSA two; each as long as the key's modulus or order. */
function wholeSignature(packet: SignaturePacket, partSize: number): Buffer {
  const count = keyFamily(packet.keyAlgorithm) === 'rsa' ? 1 : 2
  return Buffer.concat(integers(packet.parameters, count).map(part => leftPadded(part, partSize)))
}

function edwardsHolds(packet: SignaturePacket, digest: Buffer, key: KeyObject): boolean {
  const signature =
    packet.keyAlgorithm === KeyAlgorithm.EDDSA
      ? Buffer.concat(integers(packet.parameters, 2).map(part => leftPadded(part, 32)))
      : packet.parameters
  return verify(null, digest, key, signature)
}

/** MPIs: a length in bits, then the bytes. */
function integers(bytes: Buffer, count: number): Buffer[] {
  const found: Buffer[] = []
  let at = 0
  while (found.length < count) {
    const end = at + 2 + (at + 2 <= bytes.length ? Math.ceil(bytes.readUInt16BE(at) / 8) : 0)
    if (at + 2 > bytes.length || end > bytes.length) throw malformed('a number that is cut off')
    found.push(bytes.subarray(at + 2, end))
    at = end
  }
  return found
}

function leftPadded(bytes: Buffer, size: number): Buffer {
  if (bytes.length > size) throw malformed('a number that is longer than its key')
  return Buffer.concat([Buffer.alloc(size - bytes.length), bytes])
}
