import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader } from '../src/byte-reader.ts'
import { quoted } from '../src/byte-string.ts'
import { parseName, parseNewc, parseStripped } from '../src/cpio.ts'
import { encodeNumber } from '../src/decompress/xz-container.ts'
import { escapesRoot, normalPath } from '../src/file-paths.ts'
import { parseHeader } from '../src/header.ts'
import { formatNevra, parseNevra, RpmError } from '../src/index.ts'
import { newc, stripped } from './support/cpio-writer.ts'
import { binary, encodeHeader, int32, int64, type TagEntry, text, texts } from './support/header-writer.ts'
import { chunked, readAll } from './support/reading.ts'
import { buildRpm, type TestFile } from './support/rpm-writer.ts'

const bytesText = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map(code => String.fromCharCode(code)),
  maxLength: 40,
})

/** Tags that rpm gives no type, so that any will do. */
const freeTag = fc.integer({ min: 20_000, max: 30_000 })
const anyEntry: fc.Arbitrary<{ entry: TagEntry; value: unknown }> = fc.oneof(
  fc.tuple(freeTag, bytesText).map(([tag, value]) => ({ entry: text(tag, value), value: [value] })),
  fc
    .tuple(freeTag, fc.array(bytesText, { minLength: 1, maxLength: 5 }))
    .map(([tag, value]) => ({ entry: texts(tag, ...value), value })),
  fc
    .tuple(freeTag, fc.array(fc.nat(0xffffffff), { minLength: 1, maxLength: 5 }))
    .map(([tag, value]) => ({ entry: int32(tag, ...value), value })),
  fc
    .tuple(freeTag, fc.array(fc.nat(Number.MAX_SAFE_INTEGER), { minLength: 1, maxLength: 5 }))
    .map(([tag, value]) => ({ entry: int64(tag, ...value), value })),
  fc
    .tuple(freeTag, fc.uint8Array({ minLength: 1, maxLength: 40 }))
    .map(([tag, value]) => ({ entry: binary(tag, value), value: [...value] })),
)

describe('headers', () => {
  it('give back what was put in, in any order and mixture', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyEntry, { selector: ({ entry }) => entry.tag, minLength: 1, maxLength: 20 }),
        fc.constantFrom(63, undefined),
        (entries, region) => {
          const header = parseHeader(
            encodeHeader(
              entries.map(({ entry }) => entry),
              region,
            ),
            0,
            'main',
          )
          expect([...header.tags()]).toEqual(entries.map(({ entry }) => entry.tag))
          for (const { entry, value } of entries) {
            const { tag, type } = entry
            const got = type === 7 ? header.binary(tag) : type >= 6 ? header.strings(tag) : header.numbers(tag)
            expect(Array.from(got as ArrayLike<unknown>)).toEqual(value)
          }
        },
      ),
    )
  })

  it('never read outside themselves, whatever their bytes say', () => {
    const sound = encodeHeader([text(1000, 'name'), int32(1006, 5), texts(1117, 'a', 'b')], 63)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 16, max: sound.length - 1 }), fc.nat(255)), { maxLength: 6 }),
        changes => {
          const bytes = Buffer.from(sound)
          for (const [at, value] of changes) bytes[at] = value
          try {
            const header = parseHeader(bytes, 0, 'main')
            for (const tag of header.tags()) {
              const type = header.entry(tag)!.type
              if (type >= 6 && type !== 7) header.strings(tag)
              else if (type === 7) header.binary(tag)
              else header.numbers(tag)
            }
          } catch (error) {
            if (!(error instanceof RpmError)) throw error
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('cpio entries', () => {
  const number = fc.nat(0xffffffff)

  it('give back name, mode and size', () => {
    fc.assert(
      fc.property(
        bytesText.filter(name => name !== ''),
        number,
        number,
        (name, mode, filesize) => {
          const bytes = newc(name, '', { mode, filesize })
          const header = parseNewc(bytes.subarray(0, 110), 0)
          expect(header).toEqual({ format: 'newc', mode, size: filesize, nameSize: name.length + 1 })
          expect(parseName(bytes.subarray(110, 110 + header.nameSize), 0)).toBe(name)
          expect(bytes.length % 4).toBe(0)
        },
      ),
    )
  })

  it('give back the index of a stripped one', () => {
    fc.assert(
      fc.property(number, index => {
        expect(parseStripped(stripped(index).subarray(0, 16), 0).index).toBe(index)
      }),
    )
  })
})

describe('paths', () => {
  const rawPath = fc.string({ unit: fc.constantFrom('/', '.', 'a', '..', './', '\xff', ' '), maxLength: 12 })

  it('come out absolute, clean and the same when done twice, or not at all', () => {
    fc.assert(
      fc.property(rawPath, raw => {
        let path: string
        try {
          path = normalPath(raw)
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-file-path' })
          return
        }
        expect(path).toMatch(/^\//)
        expect(
          path === '/' ||
            path
              .split('/')
              .slice(1)
              .every(part => part !== '' && part !== '.' && part !== '..'),
        ).toBe(true)
        expect(normalPath(path)).toBe(path)
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['/a/b', '../c', false],
    ['/a/b', '../../c', true],
    ['/a', '..', true],
    ['/a/b/c', 'x/../../../..', true],
    ['/a/b/c', 'x/../../..', false],
    ['/a/b', '/../c', true],
    ['/a/b', '/c', false],
  ])('%s -> %s leaves the root: %s', (path, target, leaves) => {
    expect(escapesRoot(path, target)).toBe(leaves)
  })
})

it('a NEVRA is read back from what it is written as', () => {
  const part = fc.string({ unit: fc.constantFrom(...Array.from('abz019._+~^')), minLength: 1, maxLength: 8 })
  const name = fc.string({ unit: fc.constantFrom(...Array.from('abz019._+-')), minLength: 1, maxLength: 8 })
  const arch = fc.constantFrom('noarch', 'x86_64', 'src')
  fc.assert(
    fc.property(
      name,
      fc.option(fc.nat(99), { nil: undefined }),
      part,
      part,
      arch,
      (name, epoch, version, release, arch) => {
        const nevra = { name, epoch, version, release, arch }
        expect(parseNevra(formatNevra(nevra))).toEqual(nevra)
      },
    ),
  )
})

it('numbers of xz are as long as they must be', () => {
  fc.assert(
    fc.property(fc.nat(Number.MAX_SAFE_INTEGER), value => {
      const bytes = encodeNumber(value)
      const back = bytes.reduce((sum, byte, k) => sum + BigInt(byte & 0x7f) * 128n ** BigInt(k), 0n)
      expect(back).toBe(BigInt(value))
      expect(bytes.length).toBe(Math.max(1, Math.ceil(value.toString(2).length / 7)))
    }),
  )
})

describe('the byte reader', () => {
  it('gives exact bytes from chunks of any sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 }),
        fc.array(fc.tuple(fc.constantFrom('read', 'peek', 'take', 'tryTake'), fc.nat(30)), { maxLength: 20 }),
        async (chunks, actions) => {
          const whole = Buffer.concat(chunks)
          const reader = new ByteReader(each(chunks), () => new Error('end'))
          let at = 0
          for (const [action, length] of actions) {
            expect(reader.position).toBe(at)
            if (action === 'peek')
              expect((await reader.peek(length)).equals(whole.subarray(at, at + length))).toBe(true)
            else if (action === 'read' && at + length <= whole.length) {
              expect((await reader.read(length, 'test')).equals(whole.subarray(at, at + length))).toBe(true)
              at += length
            } else if (length > 0 && action !== 'read') {
              const piece = action === 'take' ? await reader.take(length) : reader.tryTake(length)
              if (action === 'take') expect(piece === undefined).toBe(at === whole.length)
              expect(piece?.equals(whole.subarray(at, at + (piece?.length ?? 0))) ?? true).toBe(true)
              at += piece?.length ?? 0
            }
          }
        },
      ),
    )
  })
})

async function* each(chunks: readonly Uint8Array[]) {
  yield* chunks
}

it('packages of any files come back whole, in chunks of any size', async () => {
  const anyFile = fc.record({
    name: fc
      .string({ unit: fc.constantFrom(...Array.from('abc.-_ \xe9')), minLength: 1, maxLength: 12 })
      .filter(name => !/^\.+$/.test(name)),
    content: bytesText,
    kind: fc.constantFrom('file', 'file', 'directory', 'symlink'),
    mode: fc.nat(0o7777),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(anyFile, { selector: ({ name }) => name, maxLength: 8 }),
      fc.constantFrom(3, 4, 6),
      fc.integer({ min: 1, max: 500 }),
      async (wanted, format, size) => {
        const files = wanted.map(({ name, content, kind, mode }): TestFile => {
          const path = `/d/${name}`
          if (kind === 'directory') return { path, mode: 0o040000 | mode }
          if (kind === 'symlink') return { path, mode: 0o120777, linkTarget: content || 'x' }
          return { path, mode: 0o100000 | mode, content }
        })
        const read = await readAll(chunked(buildRpm({ format: format as 3 | 4 | 6, files }), size))
        expect(read.files.map(({ path, content }) => [path, content])).toEqual(
          files.map(({ path, content }) => [path, content ?? '']),
        )
        expect([...read.package.files].map(({ mode, linkTarget }) => [mode, linkTarget])).toEqual(
          files.map(({ mode, linkTarget }) => [mode! & 0o7777, linkTarget ?? '']),
        )
      },
    ),
    { numRuns: 60 },
  )
})

it('a name that is too long for a message is cut, and the cut is visible', () => {
  expect(quoted('n'.repeat(201))).toBe(`"${'n'.repeat(200)}…"`)
  expect(quoted(Buffer.from('é').toString('latin1'))).toBe('"é"')
})
