import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Base } from './bases.ts'
import { join, type Parts, repairPayloadDigests, repairSignature, slots } from './parts.ts'
import type { Random } from './random.ts'

const numbers = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 62, 63, 64, 100, 127, 128, 255, 256, 1000, 4095, 4096, 4097, 65_535, 65_536,
  0xfffff, 0x100000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff,
]
const fields = [
  '00000000',
  '00000001',
  '00000002',
  '0000006e',
  '00001000',
  '00001001',
  '7fffffff',
  '80000000',
  'ffffffff',
  'FFFFFFFF',
  '+0000001',
  ' 0000001',
  '0x000001',
  'zzzzzzzz',
]
const names = ['./../x', '/etc/passwd', 'TRAILER!!!', './', '.', '', './a\0b', './usr', '..', './usr/share']
const tags = [
  61, 62, 63, 100, 257, 267, 268, 269, 273, 278, 279, 1000, 1004, 1022, 1027, 1028, 1030, 1033, 1035, 1036, 1037, 1085,
  1095, 1096, 1106, 1116, 1117, 1118, 1124, 1125, 5008, 5010, 5011, 5066, 5069, 5070, 5090, 5092, 5097, 5114,
]

type Mutation = (parts: Parts, random: Random, base: Base) => void

/** One mutated package: where the digests are made true again, the mutation itself has to be refused or survived. */
export function mutate(base: Base, random: Random): Buffer {
  const parts: Parts = { ...base.parts }
  for (const name of ['lead', 'signature', 'header', 'payload'] as const) parts[name] = Buffer.from(parts[name])
  for (let rounds = 1 + random.below(3); rounds > 0; rounds--) random.pick(mutations)(parts, random, base)
  if (random.chance(0.9)) repairSignature(parts)
  const bytes = join(parts)
  return random.chance(0.1) ? wholeFile(bytes, random) : bytes
}

const mutations: readonly Mutation[] = [
  indexEntry(parts => parts.header),
  indexEntry(parts => parts.header),
  indexEntry(parts => parts.signature),
  headerData,
  headerData,
  entryOrder,
  introField,
  trailerField,
  archiveFields,
  archiveFields,
  archiveEntries,
  archiveBytes,
  compressedBytes,
  compressedBytes,
  signatureBytes,
  (parts, random) => flip(parts.lead, random),
]

function indexEntry(of: (parts: Parts) => Buffer): Mutation {
  return (parts, random) => {
    const header = of(parts)
    const all = slots(header)
    if (all.length === 0) return
    const { at, value } = random.pick(all)
    const field = random.below(4)
    const old = header.readUInt32BE(at + field * 4)
    const fresh = [
      () => random.pick(numbers),
      () => (field === 0 ? random.pick(tags) : random.below(11)),
      () => (old + random.below(17) - 8) >>> 0,
      () => header.readUInt32BE(random.pick(all).at + field * 4),
      () => value >>> 0,
    ]
    header.writeUInt32BE(random.pick(fresh)() >>> 0, at + field * 4)
  }
}

function headerData(parts: Parts, random: Random): void {
  const all = slots(parts.header)
  const slot = all.length > 0 ? random.pick(all) : undefined
  if (!slot || slot.value < 16 || slot.value + 8 > parts.header.length) {
    flip(parts.header, random)
    return
  }
  const at = slot.value + random.below(Math.min(64, parts.header.length - slot.value - 4))
  if (random.chance(0.5)) parts.header.writeUInt32BE(random.pick(numbers), at)
  else parts.header[at] = random.pick([0, 0x2e, 0x2f, 0xff, random.below(256)])
}

/** Swaps, repeats or drops an entry; the intro follows. */
function entryOrder(parts: Parts, random: Random): void {
  const { header } = parts
  const all = slots(header)
  if (all.length < 3) return
  const one = random.pick(all).at
  const other = random.pick(all).at
  const entry = Buffer.from(header.subarray(one, one + 16))
  switch (random.below(3)) {
    case 0:
      header.copy(header, one, other, other + 16)
      entry.copy(header, other)
      break
    case 1:
      entry.copy(header, other)
      break
    default:
      parts.header = Buffer.concat([header.subarray(0, one), header.subarray(one + 16)])
      parts.header.writeUInt32BE(all.length - 1, 8)
  }
}

function introField(parts: Parts, random: Random): void {
  const header = random.chance(0.7) ? parts.header : parts.signature
  const at = random.pick([0, 4, 8, 12])
  header.writeUInt32BE(
    random.chance(0.5) ? random.pick(numbers) : (header.readUInt32BE(at) + random.below(5) - 2) >>> 0,
    at,
  )
}

/** The end of the region, where it says how far it reaches. */
function trailerField(parts: Parts, random: Random): void {
  const header = random.chance(0.7) ? parts.header : parts.signature
  if (header.length < 32) return
  header.writeUInt32BE(
    random.chance(0.5) ? random.pick(numbers) : (-16 * random.below(200)) >>> 0,
    header.length - 16 + 4 * random.below(4),
  )
}

function archiveFields(parts: Parts, random: Random, base: Base): void {
  const archive = Buffer.from(base.archive)
  for (let k = 1 + random.below(3); k > 0; k--) {
    const at = random.pick(base.entries)
    const stripped = archive.toString('latin1', at, at + 6) === '07070X'
    const field = stripped ? 0 : random.pick([0, 1, 6, 11, 12, random.below(13)])
    const way = random.below(stripped ? 4 : 6)
    if (way < 2) archive.write(random.pick(fields), at + 6 + field * 8, 'latin1')
    else if (way === 2) archive.write(hex(random.below(2 ** 16)), at + 6 + field * 8, 'latin1')
    else if (way === 3) archive.write(random.pick(['070701', '070702', '07070X', '070707', '0707']), at, 'latin1')
    else archive.write(`${random.pick(names)}\0`, at + 110, 'latin1')
  }
  repack(parts, archive, random, base)
}

function archiveEntries(parts: Parts, random: Random, base: Base): void {
  const ends = [...base.entries.slice(1), base.archive.length]
  const entries = base.entries.map((at, k) => base.archive.subarray(at, ends[k]))
  const one = random.below(entries.length)
  const other = random.below(entries.length)
  switch (random.below(5)) {
    case 0:
      entries.splice(one, 1)
      break
    case 1:
      entries.splice(one, 0, entries[other]!)
      break
    case 2:
      ;[entries[one], entries[other]] = [entries[other]!, entries[one]!]
      break
    case 3:
      entries.push(entries[one]!)
      break
    default:
      entries.push(Buffer.alloc(random.pick([4, 512, 100_000]), random.pick([0, 65])))
  }
  repack(parts, Buffer.concat(entries), random, base)
}

function archiveBytes(parts: Parts, random: Random, base: Base): void {
  const archive = Buffer.from(base.archive)
  for (let k = 1 + random.below(4); k > 0; k--) flip(archive, random)
  repack(parts, random.chance(0.3) ? archive.subarray(0, random.below(archive.length)) : archive, random, base)
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}

function repack(parts: Parts, archive: Buffer, random: Random, base: Base): void {
  const ways = [
    () => archive,
    () => gzipSync(archive, { level: 1 }),
    () => zstdCompressSync(archive),
    () => inFrames(archive, random),
  ]
  parts.payload = random.pick(ways)()
  if (random.chance(0.9)) repairPayloadDigests(parts, archive)
  if (base.parts.payload.length === 0) parts.payload = Buffer.from(archive)
}

function inFrames(archive: Buffer, random: Random): Buffer {
  const cut = random.below(archive.length)
  return Buffer.concat([zstdCompressSync(archive.subarray(0, cut)), zstdCompressSync(archive.subarray(cut))])
}

/** Damage within the compressed stream, met by the decompressor since the digests of the file follow. */
function compressedBytes(parts: Parts, random: Random): void {
  const { payload } = parts
  if (payload.length === 0) return
  switch (random.below(5)) {
    case 0:
      parts.payload = payload.subarray(0, random.below(payload.length))
      break
    case 1: {
      const at = random.below(payload.length)
      const length = random.below(Math.min(64, payload.length - at))
      parts.payload = Buffer.concat([payload.subarray(0, at), payload.subarray(at + length)])
      break
    }
    case 2:
      parts.payload = Buffer.concat([payload, Buffer.alloc(random.below(64), random.below(256))])
      break
    default:
      // The beginning holds what steers a decompressor.
      for (let k = 1 + random.below(4); k > 0; k--) {
        flip(random.chance(0.6) ? payload.subarray(0, Math.min(64, payload.length)) : payload, random)
      }
  }
  repairPayloadDigests(parts, undefined)
}

function signatureBytes(parts: Parts, random: Random): void {
  const { signature } = parts
  const slot = slots(signature).find(({ tag }) => tag === 267 || tag === 268 || tag === 278 || tag === 1002)
  if (!slot || slot.value < 16 || slot.value >= signature.length) flip(signature, random)
  else flip(signature.subarray(slot.value, slot.value + 40), random)
}

function flip(bytes: Buffer, random: Random): void {
  if (bytes.length === 0) return
  const at = random.below(bytes.length)
  bytes[at] = random.chance(0.5) ? bytes[at]! ^ (1 << random.below(8)) : random.pick([0, 1, 0x7f, 0x80, 0xff])
}

function wholeFile(bytes: Buffer, random: Random): Buffer {
  switch (random.below(3)) {
    case 0:
      return bytes.subarray(0, random.below(bytes.length))
    case 1:
      return Buffer.concat([bytes, bytes.subarray(0, random.below(200))])
    default:
      flip(bytes, random)
      return bytes
  }
}
