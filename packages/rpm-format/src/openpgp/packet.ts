import { RpmError } from '../errors.ts'

/** One OpenPGP signature packet (v3, v4 or v6: nothing to do with the versions of RPM), taken apart. */
export interface SignaturePacket {
  readonly version: 3 | 4 | 6
  /** 0 for signatures over bytes; RPM knows no other. */
  readonly type: number
  readonly keyAlgorithm: number
  readonly hashAlgorithm: number
  /** Lowercase hex, 16 digits; undefined where a v4 packet does not say. */
  readonly keyId: string | undefined
  /** Seconds since the epoch. */
  readonly created: number | undefined
  /** Seconds after `created`. */
  readonly expires: number | undefined
  /** Hashed before the signed bytes (v6) and after them. */
  readonly salt: Buffer
  readonly trailer: Buffer
  /** The first two bytes of the hash. */
  readonly hashStart: Buffer
  /** What the key algorithm needs: MPIs, or raw octets of the newer algorithms. */
  readonly parameters: Buffer
  /** Numbers of critical subpackets that are unknown here; such a signature must not be believed. */
  readonly unknownCritical: readonly number[]
}

const signatureTag = 2

/** All packets of a signature tag's value. Throws 'malformed-signature' where they are cut or no signatures. */
export function parseSignaturePackets(bytes: Buffer): SignaturePacket[] {
  const packets: SignaturePacket[] = []
  for (const reader = new Octets(bytes); !reader.ended; ) {
    const { tag, body } = readPacket(reader)
    if (tag !== signatureTag) throw malformed(`a packet of the type ${tag}`)
    packets.push(parseBody(new Octets(body)))
  }
  return packets
}

function readPacket(reader: Octets): { tag: number; body: Buffer } {
  const first = reader.number(1)
  if ((first & 0x80) === 0) throw malformed('no packet where one should begin')
  if (first & 0x40) return { tag: first & 0x3f, body: reader.take(newLength(reader)) }
  const lengthType = first & 3
  if (lengthType === 3) throw malformed('a packet of indeterminate length')
  return { tag: (first >> 2) & 0xf, body: reader.take(reader.number(1 << lengthType)) }
}

/** Lengths of new-style packets and of subpackets. */
function newLength(reader: Octets): number {
  const first = reader.number(1)
  if (first < 192) return first
  if (first < 224) return (first - 192) * 256 + reader.number(1) + 192
  if (first === 255) return reader.number(4)
  throw malformed('a packet in parts')
}

function parseBody(body: Octets): SignaturePacket {
  const version = body.number(1)
  switch (version) {
    case 3:
      return parseV3(body)
    case 4:
    case 6:
      return parseV4(body, version)
    default:
      throw malformed(`a packet of the version ${version}`)
  }
}

function parseV3(body: Octets): SignaturePacket {
  if (body.number(1) !== 5) throw malformed('a v3 packet that hashes other than five octets')
  const trailer = body.take(5)
  const keyId = body.take(8).toString('hex')
  const keyAlgorithm = body.number(1)
  const hashAlgorithm = body.number(1)
  const hashStart = body.take(2)
  return {
    version: 3,
    type: trailer[0]!,
    keyAlgorithm,
    hashAlgorithm,
    keyId,
    created: trailer.readUInt32BE(1),
    expires: undefined,
    salt: Buffer.alloc(0),
    trailer,
    hashStart,
    parameters: body.rest(),
    unknownCritical: [],
  }
}

function parseV4(body: Octets, version: 4 | 6): SignaturePacket {
  const type = body.number(1)
  const keyAlgorithm = body.number(1)
  const hashAlgorithm = body.number(1)
  const countSize = version === 6 ? 4 : 2
  const hashed = body.take(body.number(countSize))
  const head = body.before()
  const unhashed = body.take(body.number(countSize))
  const hashStart = body.take(2)
  const salt = version === 6 ? body.take(body.number(1)) : Buffer.alloc(0)
  const end = Buffer.from([version, 0xff, 0, 0, 0, 0])
  end.writeUInt32BE(head.length, 2)
  const facts = subpackets(hashed)
  return {
    version,
    type,
    keyAlgorithm,
    hashAlgorithm,
    keyId: facts.keyId ?? subpackets(unhashed).keyId,
    created: facts.created,
    expires: facts.expires,
    salt,
    trailer: Buffer.concat([head, end]),
    hashStart,
    parameters: body.rest(),
    unknownCritical: facts.unknownCritical,
  }
}

interface SubpacketFacts {
  keyId?: string
  created?: number
  expires?: number
  unknownCritical: number[]
}

const known = new Set([2, 3, 16, 20, 26, 28, 33, 35])

function subpackets(bytes: Buffer): SubpacketFacts {
  const facts: SubpacketFacts = { unknownCritical: [] }
  for (const reader = new Octets(bytes); !reader.ended; ) {
    const length = newLength(reader)
    if (length === 0) throw malformed('an empty subpacket')
    const subpacket = new Octets(reader.take(length))
    const first = subpacket.number(1)
    const type = first & 0x7f
    if (type === 2) facts.created = subpacket.number(4)
    else if (type === 3) facts.expires = subpacket.number(4)
    else if (type === 16) facts.keyId ??= subpacket.take(8).toString('hex')
    else if (type === 33) facts.keyId = keyIdOf(subpacket)
    else if (first & 0x80 && !known.has(type)) facts.unknownCritical.push(type)
  }
  return facts
}

/** The last eight octets of a v4 fingerprint, the first eight of a v6 one. */
function keyIdOf(fingerprint: Octets): string {
  const version = fingerprint.number(1)
  const octets = fingerprint.rest()
  if (octets.length < 20) throw malformed('a fingerprint that is too short')
  return (version === 4 ? octets.subarray(-8) : octets.subarray(0, 8)).toString('hex')
}

class Octets {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length
  }

  number(size: number): number {
    return this.take(size).readUIntBE(0, size)
  }

  take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw malformed('a packet that is cut off')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  /** Everything that was read so far. */
  before(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at)
  }
}

export function malformed(what: string): RpmError {
  return new RpmError('malformed-signature', `the OpenPGP signature holds ${what}`)
}
