/** Headers for tests: any tag, any type, and any lie about them. */
export interface TagEntry {
  tag: number
  /** 1–9 as in the format. */
  type: number
  count: number
  data: Buffer
}

const alignments: Record<number, number> = { 3: 2, 4: 4, 5: 8 }

export function int16(tag: number, ...values: number[]): TagEntry {
  return int16List(tag, values)
}

export function int16List(tag: number, values: readonly number[]): TagEntry {
  const data = Buffer.alloc(values.length * 2)
  for (const [k, value] of values.entries()) data.writeUInt16BE(value, k * 2)
  return { tag, type: 3, count: values.length, data }
}

export function int32(tag: number, ...values: number[]): TagEntry {
  return int32List(tag, values)
}

export function int32List(tag: number, values: readonly number[]): TagEntry {
  const data = Buffer.alloc(values.length * 4)
  for (const [k, value] of values.entries()) data.writeUInt32BE(value >>> 0, k * 4)
  return { tag, type: 4, count: values.length, data }
}

export function int64(tag: number, ...values: (number | bigint)[]): TagEntry {
  return int64List(tag, values)
}

export function int64List(tag: number, values: readonly (number | bigint)[]): TagEntry {
  const data = Buffer.alloc(values.length * 8)
  for (const [k, value] of values.entries()) data.writeBigUInt64BE(BigInt(value), k * 8)
  return { tag, type: 5, count: values.length, data }
}

export function text(tag: number, value: string): TagEntry {
  return { tag, type: 6, count: 1, data: Buffer.from(`${value}\0`, 'latin1') }
}

export function texts(tag: number, ...values: string[]): TagEntry {
  return textsList(tag, values)
}

export function textsList(tag: number, values: readonly string[]): TagEntry {
  return { tag, type: 8, count: values.length, data: Buffer.from(values.map(value => `${value}\0`).join(''), 'latin1') }
}

export function i18n(tag: number, ...values: string[]): TagEntry {
  return { ...textsList(tag, values), type: 9 }
}

export function binary(tag: number, data: Uint8Array): TagEntry {
  return { tag, type: 7, count: data.length, data: Buffer.from(data) }
}

/** Magic, index and data, in the order given; with a region tag (62, 63, 61) in front unless `region` is undefined. */
export function encodeHeader(entries: readonly TagEntry[], region: number | undefined): Buffer {
  const index: Buffer[] = []
  const data: Buffer[] = []
  let length = 0
  for (const { tag, type, count, data: value } of entries) {
    const padding = -length & ((alignments[type] ?? 1) - 1)
    data.push(Buffer.alloc(padding), value)
    length += padding
    index.push(indexEntry(tag, type, length, count))
    length += value.length
  }
  if (region !== undefined) {
    index.unshift(indexEntry(region, 7, length, 16))
    data.push(indexEntry(region, 7, -16 * index.length, 16))
    length += 16
  }
  const intro = Buffer.from('8eade8010000000000000000ffffffff', 'hex')
  intro.writeUInt32BE(index.length, 8)
  intro.writeUInt32BE(length, 12)
  return Buffer.concat([intro, ...index, ...data])
}

export function indexEntry(tag: number, type: number, offset: number, count: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(tag, 0)
  bytes.writeUInt32BE(type, 4)
  bytes.writeInt32BE(offset, 8)
  bytes.writeUInt32BE(count >>> 0, 12)
  return bytes
}
