import { createHash } from 'node:crypto'

/** A package cut at its seams. Nothing here trusts what the headers say: mutations come first. */
export interface Parts {
  lead: Buffer
  signature: Buffer
  header: Buffer
  payload: Buffer
}

export interface IndexSlot {
  /** Where the entry stands in the header. */
  readonly at: number
  readonly tag: number
  readonly type: number
  /** Where its value stands in the header. */
  readonly value: number
  readonly count: number
}

export function split(bytes: Buffer): Parts {
  const signatureEnd = 96 + headerLength(bytes, 96)
  const start = signatureEnd + (-signatureEnd & 7)
  const end = start + headerLength(bytes, start)
  return {
    lead: Buffer.from(bytes.subarray(0, 96)),
    signature: Buffer.from(bytes.subarray(96, signatureEnd)),
    header: Buffer.from(bytes.subarray(start, end)),
    payload: Buffer.from(bytes.subarray(end)),
  }
}

export function join({ lead, signature, header, payload }: Parts): Buffer {
  return Buffer.concat([lead, signature, Buffer.alloc(-signature.length & 7), header, payload])
}

/** All index entries that lie within the bytes. */
export function slots(header: Buffer): IndexSlot[] {
  const count = Math.min(header.readUInt32BE(8), Math.floor((header.length - 16) / 16))
  const data = 16 + header.readUInt32BE(8) * 16
  return Array.from({ length: count }, (_, k) => {
    const at = 16 + k * 16
    return {
      at,
      tag: header.readUInt32BE(at),
      type: header.readUInt32BE(at + 4),
      value: data + header.readInt32BE(at + 8),
      count: header.readUInt32BE(at + 12),
    }
  })
}

const payloadDigests = [
  [5092, 'sha256', 'payload'],
  [5097, 'sha256', 'archive'],
  [5121, 'sha512', 'payload'],
  [5122, 'sha512', 'archive'],
  [5123, 'sha3-256', 'payload'],
  [5124, 'sha3-256', 'archive'],
] as const

/** Makes the digests true again, so that a mutation is met where it was made. `archive` is what the payload unpacks to. */
export function repairPayloadDigests(parts: Parts, archive: Buffer | undefined): void {
  for (const [tag, algorithm, side] of payloadDigests) {
    const bytes = side === 'payload' ? parts.payload : archive
    if (bytes) write(parts.header, tag, Buffer.from(createHash(algorithm).update(bytes).digest('hex')))
  }
  writeNumber(parts.header, 5112, parts.payload.length)
  if (archive) writeNumber(parts.header, 5113, archive.length)
}

export function repairSignature({ signature, header, payload }: Parts): void {
  for (const [tag, algorithm] of [
    [269, 'sha1'],
    [273, 'sha256'],
    [279, 'sha3-256'],
  ] as const) {
    write(signature, tag, Buffer.from(createHash(algorithm).update(header).digest('hex')))
  }
  write(signature, 1004, createHash('md5').update(header).update(payload).digest())
  const slot = slots(signature).find(({ tag }) => tag === 1000)
  if (slot && slot.value >= 16 && slot.value + 4 <= signature.length) {
    signature.writeUInt32BE(header.length + payload.length, slot.value)
  }
}

function write(header: Buffer, tag: number, value: Buffer): void {
  const slot = slots(header).find(candidate => candidate.tag === tag)
  if (slot && slot.value >= 16 && slot.value + value.length <= header.length) value.copy(header, slot.value)
}

function writeNumber(header: Buffer, tag: number, value: number): void {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  write(header, tag, bytes)
}

function headerLength(bytes: Buffer, at: number): number {
  return 16 + bytes.readUInt32BE(at + 8) * 16 + bytes.readUInt32BE(at + 12)
}
