import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decompress } from '../src/decompress/decompress.ts'
import { type Compression, sniff } from '../src/decompress/sniff.ts'
import { RpmError } from '../src/index.ts'
import { defaultLimits } from '../src/limits.ts'
import { chunked } from './support/reading.ts'

/** Streams from the usual tools; data/streams/make.sh makes them anew. */
const stream = (name: string) => readFileSync(join(import.meta.dirname, 'data/streams', name))
const numbers = Buffer.from(Array.from({ length: 3000 }, (_, k) => `${k + 1}\n`).join(''))

async function* input(bytes: Uint8Array, size: number) {
  yield* chunked(bytes, size)
}

async function unpack(
  bytes: Uint8Array,
  compression: Compression,
  size = 65_536,
  dictionary = defaultLimits.dictionary,
): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  const iterator = decompress(input(bytes, size), compression, { ...defaultLimits, dictionary })
  for await (const piece of { [Symbol.asyncIterator]: () => iterator } as AsyncIterable<Uint8Array>)
    pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

async function code(bytes: Uint8Array, compression: Compression, dictionary?: number): Promise<string> {
  try {
    await unpack(bytes, compression, 65_536, dictionary)
    return 'accepted'
  } catch (error) {
    if (error instanceof RpmError) return error.code
    throw error
  }
}

const sound: readonly (readonly [string, Compression, Buffer])[] = [
  ['none.xz', 'xz', stream('none.xz')],
  ['crc32.xz', 'xz', stream('crc32.xz')],
  ['crc64.xz', 'xz', stream('crc64.xz')],
  ['sha256.xz', 'xz', stream('sha256.xz')],
  ['many blocks', 'xz', stream('blocks.xz')],
  ['blocks that tell their sizes', 'xz', stream('sized-blocks.xz')],
  ['lzma with an end marker', 'lzma', stream('end-marker.lzma')],
  ['lzma with odd properties', 'lzma', stream('odd-properties.lzma')],
  ['bzip2 -1', 'bzip2', stream('blocks1.bz2')],
  ['bzip2 -9', 'bzip2', stream('blocks9.bz2')],
  ['gzip', 'gzip', gzipSync(numbers)],
  [
    'gzip in members',
    'gzip',
    Buffer.concat([gzipSync(numbers.subarray(0, 100)), gzipSync(Buffer.alloc(0)), gzipSync(numbers.subarray(100))]),
  ],
  ['gzip and zeros', 'gzip', Buffer.concat([gzipSync(numbers), Buffer.alloc(512)])],
  ['zstd', 'zstd', zstdCompressSync(numbers)],
  ['zstd with a checksum', 'zstd', zstdCompressSync(numbers, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
  [
    'zstd in frames',
    'zstd',
    Buffer.concat(
      [numbers.subarray(0, 100), Buffer.alloc(0), numbers.subarray(100)].map(part => zstdCompressSync(part)),
    ),
  ],
  ['zstd with skippable frames', 'zstd', Buffer.concat([skippable(0), zstdCompressSync(numbers), skippable(1000)])],
]

describe.each(sound)('%s', (_, compression, bytes) => {
  it('is known by its first bytes', () => {
    expect(sniff(bytes.subarray(0, 13), 0)).toBe(compression)
  })
  it('gives the same bytes in chunks of any size', async () => {
    for (const size of [1, 2, 3, 5, 17, 1000, 100_000])
      expect((await unpack(bytes, compression, size)).equals(numbers)).toBe(true)
  })
  it('is truncated wherever it is cut', async () => {
    for (let k = 1; k <= 60; k++) {
      const length = Math.floor((bytes.length * k) / 61)
      const got = await code(bytes.subarray(0, length), compression)
      // A cut between members, frames or within padding leaves a whole stream.
      if (got !== 'truncated-payload' && got !== 'accepted') throw new Error(`cut at ${length}: ${got}`)
      if (got === 'accepted' && !/members|zeros|frames/.test(_)) throw new Error(`cut at ${length}: accepted`)
    }
  })
  it('never crashes and seldom passes with a byte changed', async () => {
    let passed = 0
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(bytes)
        damaged[at]! ^= change
        if ((await code(damaged, compression)) === 'accepted') passed++
      }),
      { numRuns: 40, seed: 7 },
    )
    // Headers hold bytes that mean nothing (times, names, skipped frames); lzma and some others have no check at all.
    expect(passed).toBeLessThan(/lzma|zeros|skippable|^zstd$|zstd in frames|none/.test(_) ? 40 : 10)
  })
})

describe('refused by codes of their own', () => {
  it.each([
    ['BCJ', 'x86.xz', 'unsupported-filter'],
    ['delta', 'delta.xz', 'unsupported-filter'],
    ['a dictionary above 64 MiB', 'large-dictionary.xz', 'dictionary-too-large'],
    ['a second stream', 'two-streams.xz', 'trailing-data'],
  ])('xz with %s', async (_, name, expected) => {
    expect(await code(stream(name), 'xz')).toBe(expected)
  })
  it.each([
    ['its checksum', -8],
    ['its length', -1],
    ['a reserved flag', 3],
    ['another method', 2],
  ])('gzip with %s changed', async (_, at) => {
    const bytes = gzipSync(numbers)
    bytes[at < 0 ? bytes.length + at : at]! ^= 0x80
    expect(await code(bytes, 'gzip')).toBe('corrupt-compression')
  })
  it('gzip with a name, a comment, an extra field and a header checksum', async () => {
    const plain = gzipSync(numbers)
    const fields = [Buffer.from([3, 0, 1, 2, 3]), Buffer.from('name\0'), Buffer.from('comment\0'), Buffer.from([0, 0])]
    const bytes = Buffer.concat([plain.subarray(0, 10), ...fields, plain.subarray(10)])
    bytes[3] = 2 + 4 + 8 + 16
    for (const size of [1, 100_000]) expect((await unpack(bytes, 'gzip', size)).equals(numbers)).toBe(true)
  })
  it('zstd in more than 65,536 frames', async () => {
    expect(await code(Buffer.concat(Array.from({ length: 65_537 }, () => skippable(0))), 'zstd')).toBe(
      'corrupt-compression',
    )
  })
  it('xz with a check that nobody knows', async () => {
    const bytes = stream('crc32.xz')
    bytes[7] = 2
    expect(await code(bytes, 'xz')).toBe('corrupt-compression')
    bytes.writeUInt32LE(crcOf(bytes.subarray(6, 8)), 8)
    expect(await code(bytes, 'xz')).toBe('unsupported-check')
  })
  it('lzma with a dictionary above the limit', async () => {
    expect(await code(stream('end-marker.lzma'), 'lzma', 1024 * 1024)).toBe('dictionary-too-large')
  })
  it('zstd with a window above the limit', async () => {
    const long = zstdCompressSync(Buffer.alloc(20_000_000, 'long'), {
      params: { [constants.ZSTD_c_windowLog]: 24 },
      pledgedSrcSize: undefined,
    })
    expect(await code(long, 'zstd', 2 ** 20)).toBe('dictionary-too-large')
    expect(await code(long, 'zstd', 2 ** 25)).toBe('accepted')
  })
  it.each(['gzip', 'zstd', 'lzma', 'bzip2'] as const)('%s with something behind it', async compression => {
    const [, , bytes] = sound.find(([, kind]) => kind === compression)!
    expect(['trailing-data', 'corrupt-compression']).toContain(
      await code(Buffer.concat([bytes, Buffer.from('junk')]), compression),
    )
  })
})

describe('xz decoders', () => {
  it('left early, in the middle or at the start, do not stand in the way of the next', async () => {
    for (const pulls of [0, 1, 2]) {
      const iterator = decompress(input(stream('blocks.xz'), 10), 'xz', defaultLimits)
      for (let k = 0; k < pulls; k++) await iterator.next()
      await iterator.return?.()
      expect((await unpack(stream('blocks.xz'), 'xz')).equals(numbers)).toBe(true)
    }
  })
  it('run side by side, one broken, one never finished', async () => {
    const abandoned = decompress(input(stream('sha256.xz'), 1), 'xz', defaultLimits)
    await abandoned.next()
    const broken = Buffer.from(stream('sha256.xz'))
    broken[broken.length - 60]! ^= 1
    const results = await Promise.all([
      unpack(stream('blocks.xz'), 'xz', 7),
      code(broken, 'xz'),
      unpack(stream('crc64.xz'), 'xz', 11),
    ])
    expect(results[0].equals(numbers)).toBe(true)
    expect(results[1]).toBe('corrupt-compression')
    expect(results[2].equals(numbers)).toBe(true)
  })
})

it('a bzip2 run of many blocks is given out in pieces', async () => {
  expect((await unpack(stream('zeros.bz2'), 'bzip2')).equals(Buffer.alloc(300_000))).toBe(true)
})

function skippable(length: number): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50)
  head.writeUInt32LE(length, 4)
  return Buffer.concat([head, Buffer.alloc(length, 7)])
}

function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}
