import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { deflate } from 'libdeflate'
import { describe, expect, it, vi } from 'vitest'
import { continuable } from '../src/continuable-deflate.ts'

/** An empty last block of the fixed code. */
const end = Uint8Array.of(3, 0)

/** Runs, a small alphabet, noise: what makes stored, fixed and dynamic blocks. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc.array(fc.integer({ min: 97, max: 101 }), { maxLength: 3000 }).map(codes => Uint8Array.from(codes)),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 2000 }))
        .map(([bytes, times]) => new Uint8Array(Buffer.concat(Array.from({ length: times }, () => bytes)))),
    ),
    { maxLength: 6 },
  )
  .map(parts => Buffer.concat(parts))

const deflaters = {
  libdeflate: bytes => deflate(bytes, 3),
  'libdeflate, level 1': bytes => deflate(bytes, 1),
  'libdeflate, level 12': bytes => deflate(bytes, 12),
  zlib: bytes => deflateRawSync(bytes),
  'zlib, many blocks': bytes => deflateRawSync(bytes, { memLevel: 1 }),
  'zlib, stored': bytes => deflateRawSync(bytes, { level: 0 }),
  'zlib, fixed code': bytes => deflateRawSync(bytes, { strategy: constants.Z_FIXED }),
  'zlib, no matches': bytes => deflateRawSync(bytes, { strategy: constants.Z_HUFFMAN_ONLY }),
} satisfies Record<string, (bytes: Uint8Array) => Uint8Array>

describe.each(Object.entries(deflaters))('a stream of %s', (_, deflater) => {
  it('goes on with the next one', () => {
    fc.assert(
      fc.property(content, content, (first, second) => {
        const joined = Buffer.concat([continuable(deflater(first)), continuable(deflater(second)), end])
        expect(inflateRawSync(joined).equals(Buffer.concat([first, second]))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('is refused when it is cut anywhere, or followed by anything', () => {
    const stream = deflater(Buffer.from('a stream that is cut, cut, cut '.repeat(40)))
    for (let length = 0; length < stream.length; length++)
      expect(() => continuable(stream.subarray(0, length))).toThrow(RangeError)
    expect(() => continuable(Buffer.concat([stream, end]))).toThrow('something follows')
  })
})

it('is made of the source beside it', () => {
  const file = (name: string) => readFileSync(new URL(`../src/deflate-walk.${name}`, import.meta.url))
  const [madeOf] = WebAssembly.Module.customSections(new WebAssembly.Module(file('wasm')), 'source')
  const source = createHash('sha256').update(file('as')).digest()
  expect(Buffer.from(madeOf!), 'npx pnpm@12 --filter rpm-format build:walk').toEqual(source)
})

it('takes streams longer than a block may become', () => {
  const noise = Buffer.from(createHash('shake256', { outputLength: 5_000_000 }).update('noise').digest())
  const joined = Buffer.concat([continuable(deflate(noise, 1)), continuable(deflate(noise, 6)), end])
  expect(inflateRawSync(joined).equals(Buffer.concat([noise, noise]))).toBe(true)
})

it('looks at nothing behind its memory', async () => {
  // Another one, whose memory has not grown yet.
  vi.resetModules()
  const fresh = await import('../src/continuable-deflate.ts')
  // The stream and its 32 bytes of zeros end where a page of 64 KiB ends, behind the 8 KiB of the walk's own.
  const length = 8 * 65_536 - 8192 - 32
  const noise = createHash('shake256', { outputLength: length - 100 })
    .update('edge')
    .digest()
  const open = deflate(noise, 1)
  open[0]! &= ~1
  const room = length - open.length
  expect(room).toBeGreaterThan(20)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: room, maxLength: room }), tail => {
      expect(() => fresh.continuable(Buffer.concat([open, tail]))).toThrow(RangeError)
    }),
    { numRuns: 300 },
  )
})

it('ends with RangeError on whatever is no deflate stream', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
      try {
        // What has the shape of a stream may still refer to bytes before its beginning.
        expect(continuable(bytes).length).toBeGreaterThan(bytes.length)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
    { numRuns: 3000 },
  )
})
