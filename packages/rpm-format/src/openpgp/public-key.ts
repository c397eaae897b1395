import { createPublicKey, type KeyObject } from 'node:crypto'
import { KeyAlgorithm } from './algorithms.ts'

/** A key's public numbers, as the OpenPGP library gives them. */
export interface PublicNumbers {
  readonly algorithm: number
  readonly parameters: Readonly<Record<string, unknown>>
}

export type KeyFamily = 'rsa' | 'dsa' | 'ecdsa' | 'edwards'

const families: Record<number, KeyFamily> = {
  [KeyAlgorithm.RSA]: 'rsa',
  [KeyAlgorithm.RSA_SIGN]: 'rsa',
  [KeyAlgorithm.DSA]: 'dsa',
  [KeyAlgorithm.ECDSA]: 'ecdsa',
  [KeyAlgorithm.EDDSA]: 'edwards',
  [KeyAlgorithm.ED25519]: 'edwards',
  [KeyAlgorithm.ED448]: 'edwards',
}

/** undefined for algorithms that cannot be checked here. */
export function keyFamily(algorithm: number): KeyFamily | undefined {
  return families[algorithm]
}

const curves: Record<string, { name: string; size: number }> = {
  nistP256: { name: 'P-256', size: 32 },
  nistP384: { name: 'P-384', size: 48 },
  nistP521: { name: 'P-521', size: 66 },
}

/** For node:crypto; `partSize` is the length of each number of a signature. Throws on numbers that are no key. */
export function keyObject({ algorithm, parameters }: PublicNumbers): { key: KeyObject; partSize: number } {
  const part = (name: string) => bytesOf(parameters[name])
  switch (keyFamily(algorithm)) {
    case 'rsa': {
      const n = withoutZeros(part('n'))
      const jwk = { kty: 'RSA', n: n.toString('base64url'), e: part('e').toString('base64url') }
      return { key: createPublicKey({ key: jwk, format: 'jwk' }), partSize: n.length }
    }
    case 'dsa':
      return {
        key: createPublicKey({ key: dsaInfo(part('p'), part('q'), part('g'), part('y')), format: 'der', type: 'spki' }),
        partSize: withoutZeros(part('q')).length,
      }
    case 'ecdsa': {
      const curve = curves[curveName(parameters.oid)]
      const point = part('Q')
      if (!curve || point.length !== 1 + 2 * curve.size) throw new Error('a curve that node:crypto does not know')
      const coordinate = (at: number) => point.subarray(at, at + curve.size).toString('base64url')
      const jwk = { kty: 'EC', crv: curve.name, x: coordinate(1), y: coordinate(1 + curve.size) }
      return { key: createPublicKey({ key: jwk, format: 'jwk' }), partSize: curve.size }
    }
    case 'edwards': {
      // The old encoding puts 0x40 in front of the point.
      const point = algorithm === KeyAlgorithm.EDDSA ? part('Q').subarray(1) : part('A')
      const crv = algorithm === KeyAlgorithm.ED448 ? 'Ed448' : 'Ed25519'
      const jwk = { kty: 'OKP', crv, x: point.toString('base64url') }
      return { key: createPublicKey({ key: jwk, format: 'jwk' }), partSize: point.length }
    }
    default:
      throw new Error(`a key of the algorithm ${algorithm}, which cannot sign`)
  }
}

/** Bits of an RSA modulus or a DSA prime: below 2048 such keys can be broken. 0 for curves. */
export function keyBits({ parameters }: PublicNumbers): number {
  const number = parameters.n ?? parameters.p
  if (number === undefined) return 0
  const bytes = withoutZeros(bytesOf(number))
  return bytes.length === 0 ? 0 : bytes.length * 8 - Math.clz32(bytes[0]!) + 24
}

function curveName(oid: unknown): string {
  return String((oid as { getName(): string }).getName())
}

function bytesOf(value: unknown): Buffer {
  if (!(value instanceof Uint8Array)) throw new Error('a public key without one of its numbers')
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

function withoutZeros(bytes: Buffer): Buffer {
  let zeros = 0
  while (bytes[zeros] === 0) zeros++
  return bytes.subarray(zeros)
}

/** SubjectPublicKeyInfo of a DSA key: JWK knows no DSA. */
function dsaInfo(p: Buffer, q: Buffer, g: Buffer, y: Buffer): Buffer {
  const algorithm = der(
    0x30,
    Buffer.from('06072a8648ce380401', 'hex'),
    der(0x30, derInteger(p), derInteger(q), derInteger(g)),
  )
  return der(0x30, algorithm, der(0x03, Buffer.of(0), derInteger(y)))
}

function derInteger(value: Buffer): Buffer {
  const bytes = withoutZeros(value)
  return der(0x02, bytes.length === 0 || bytes[0]! & 0x80 ? Buffer.of(0) : Buffer.alloc(0), bytes)
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  const digits = withoutZeros(length)
  return Buffer.concat([Buffer.of(tag, 0x80 | digits.length), digits, body])
}
