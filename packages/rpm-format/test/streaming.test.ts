import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { entries, openPackage, readPackage } from '../src/index.ts'
import { SignatureTag } from '../src/tags.ts'
import { int32 } from './support/header-writer.ts'
import { chunked, readAll, refusal } from './support/reading.ts'
import { buildRpm, type TestFile, withoutTag, withTag } from './support/rpm-writer.ts'

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/rpms/${name}.rpm`, import.meta.url))
const files: TestFile[] = Array.from({ length: 50 }, (_, k) => ({ path: `/f${k}`, content: `${k}`.repeat(30_000) }))
const rpm = buildRpm({ files, compressor: null, compress: archive => archive })
const contents = files.map(({ content }) => content)

/** A source that tells whether it was let go. */
function watched(bytes: Uint8Array, size = 4096) {
  const state = { released: false, given: 0 }
  async function* source() {
    try {
      for (const chunk of chunked(bytes, size)) {
        state.given += chunk.length
        yield chunk
      }
    } finally {
      state.released = true
    }
  }
  return { state, source: source() }
}

describe('a bad package that is longer than its headers say', () => {
  // Its payload's digest holds; how much of it is read before it is given up depends on chunks.
  const bad = buildRpm({
    files: [{ path: '/f', content: 'x'.repeat(5000) }],
    payload: gzip => {
      gzip.writeUInt32LE(0, gzip.length - 8)
      return Buffer.concat([gzip, Buffer.alloc(100)])
    },
    signature: withTag(int32(SignatureTag.SIZE, 1)),
  })

  it.each([1, 3, 48, 4096])('has one verdict, in chunks of %i', async size => {
    expect(await refusal(chunked(bad, size))).toBe('corrupt-compression')
  })

  it('is given up where nothing says how long it is and it never ends', async () => {
    const unsized = buildRpm({
      files: [{ path: '/f', content: 'x'.repeat(5000) }],
      payload: gzip => gzip.fill(0, 20),
      signature: withoutTag(SignatureTag.SIZE, SignatureTag.LONGSIZE),
    })
    let read = 0
    async function* endless() {
      yield unsized
      for (;;) {
        yield Buffer.alloc(1024 * 1024)
        read++
      }
    }
    expect(await refusal(endless(), { limits: { archiveBytes: 8 * 1024 * 1024 } })).toBe('corrupt-compression')
    expect(read).toBeLessThan(40)
  })
})

describe('sources of every kind give the same', () => {
  const expected = expect.arrayContaining([expect.objectContaining({ path: '/f49', content: contents[49] })])

  it.each([
    ['a Uint8Array', () => new Uint8Array(rpm)],
    ['an iterable', () => chunked(rpm, 1000)],
    ['an array of chunks', () => [...chunked(rpm, 100_000)]],
    ['an async iterable', () => watched(rpm).source],
    ['a web stream', () => new Blob([rpm]).stream()],
    ['a node stream', () => Readable.from(chunked(rpm, 5000), { objectMode: false })],
    [
      'empty chunks between',
      () => [Buffer.alloc(0), rpm.subarray(0, 50), Buffer.alloc(0), rpm.subarray(50), Buffer.alloc(0)],
    ],
  ])('%s', async (_, source) => {
    const { files: read } = await readAll(source())
    expect(read).toEqual(expected)
    expect(read).toHaveLength(50)
  })

  it('a FileHandle, from its beginning, which stays open', async () => {
    const handle = await open(fixture('basic-1.0~rc1-3.noarch'))
    try {
      await handle.read(Buffer.alloc(10), 0, 10)
      expect((await readAll(handle)).files).toHaveLength(8)
      expect((await readPackage(handle)).nevra.name).toBe('basic')
      expect((await handle.stat()).size).toBeGreaterThan(0)
    } finally {
      await handle.close()
    }
  })

  it('anything else is refused as a mistake of the caller', async () => {
    await expect(readPackage(42 as never)).rejects.toThrow(TypeError)
    await expect(readPackage({} as never)).rejects.toThrow(TypeError)
    await expect(readPackage(['text'] as never)).rejects.toThrow(TypeError)
  })
})

describe('leaving early', () => {
  it('readPackage reads no payload and lets the source go', async () => {
    const { state, source } = watched(rpm)
    await readPackage(source)
    expect(state.released).toBe(true)
    expect(state.given).toBeLessThan(64 * 1024)
  })

  it.each(['gzip', 'zstd', 'xz', 'bzip2', 'lzma', 'none'])(
    'breaking out of the entries frees the source of %s',
    async kind => {
      const names: Record<string, string> = {
        gzip: 'w9.gzdio',
        zstd: 'w3.zstdio',
        xz: 'w6.xzdio',
        bzip2: 'w9.bzdio',
        lzma: 'w6.lzdio',
        none: 'w.ufdio',
      }
      const handle = await open(fixture(`payload-${names[kind]}-1-1.noarch`))
      const bytes = await handle.readFile()
      await handle.close()
      for (const wanted of ['first', 'content'] as const) {
        const { state, source } = watched(bytes, 512)
        for await (const { content } of entries(source)) {
          if (wanted === 'first') break
          const first = await content.pull()
          if (first) break
        }
        expect(state.released).toBe(true)
      }
    },
  )

  it('an error frees the source', async () => {
    const damaged = Buffer.from(rpm)
    damaged[damaged.length - 5000]! ^= 1
    const { state, source } = watched(damaged)
    await expect(readAll(source)).rejects.toMatchObject({ code: 'payload-digest-mismatch' })
    expect(state.released).toBe(true)
  })

  it('cancels a web stream and destroys a node stream', async () => {
    let cancelled = false
    const chunks = chunked(rpm, 1000)
    const web = new ReadableStream<Uint8Array>({
      pull(controller) {
        const { value } = chunks.next()
        if (value) controller.enqueue(value)
      },
      cancel() {
        cancelled = true
      },
    })
    for await (const _ of entries(web)) break
    expect(cancelled).toBe(true)

    const node = Readable.from(chunked(rpm, 1000), { objectMode: false })
    for await (const _ of entries(node)) break
    expect(node.destroyed).toBe(true)
  })

  it('a file can be closed as soon as close() has answered', async () => {
    const handle = await open(fixture('basic-1.0~rc1-3.noarch'))
    const opened = await openPackage(handle)
    await opened.close()
    await handle.close()
    expect(opened.outcome).toBeUndefined()
  })
})

describe('a source that stops giving', () => {
  async function* stuck(length: number) {
    yield rpm.subarray(0, length)
    await new Promise(() => {})
  }

  it.each([50, 3000, rpm.length - 1000])('is left when the caller aborts (after %d bytes)', async length => {
    const signal = AbortSignal.timeout(50)
    await expect(readAll(stuck(length), { signal })).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('does not keep close() waiting', async () => {
    const { payload } = await readPackage(rpm)
    const opened = await openPackage(stuck(payload.offset + 50))
    const walk = opened.entries()
    const waiting = walk.next()
    waiting.catch(() => undefined)
    await new Promise(resolve => setTimeout(resolve, 20))
    await opened.close()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('is not even asked when the signal was aborted before', async () => {
    const { state, source } = watched(rpm)
    await expect(readPackage(source, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    expect(state.given).toBe(0)
  })
})

describe('memory', () => {
  const heapInUse = () => {
    setFlagsFromString('--expose-gc')
    globalThis.gc ??= runInNewContext('gc') as NodeJS.GCFunction
    globalThis.gc()
    return process.memoryUsage().heapUsed
  }

  it('a header of 200,000 files is not held as 200,000 objects', { timeout: 60_000 }, async () => {
    const many: TestFile[] = Array.from({ length: 200_000 }, (_, k) => ({
      path: `/usr/share/directory-${k % 500}/file-${k}`,
    }))
    const bytes = buildRpm({ files: many })
    many.length = 0
    const before = heapInUse()
    const started = performance.now()
    const { files: read } = await readPackage(bytes)
    const took = performance.now() - started
    expect((heapInUse() - before) / 200_000).toBeLessThan(5)
    expect(read.length).toBe(200_000)
    expect(took).toBeLessThan(5000)
  })

  it('nothing is kept of chunks that have passed, however many', { timeout: 60_000 }, async () => {
    const bytes = buildRpm({
      files: [{ path: '/x', content: 'x'.repeat(400_000) }],
      compressor: null,
      compress: archive => archive,
    })
    const before = heapInUse()
    let during = 0
    for await (const { content } of entries(chunked(bytes, 1))) {
      let seen = 0
      for await (const piece of content) if ((seen += piece.length) === 390_000) during = heapInUse()
    }
    expect((during - before) / 390_000).toBeLessThan(20)
  })

  it('a content is handed out in pieces, the file never held whole', async () => {
    const size = 48 * 1024 * 1024
    const big = buildRpm({ files: [{ path: '/big', content: Buffer.alloc(size, 'abcdefgh') }] })
    let largest = 0
    let total = 0
    for await (const { content } of entries(chunked(big, 65_536))) {
      for await (const piece of content) {
        largest = Math.max(largest, piece.length)
        total += piece.length
      }
    }
    expect(total).toBe(size)
    expect(largest).toBeLessThanOrEqual(512 * 1024)
  })
})
