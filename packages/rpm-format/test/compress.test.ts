import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { requireTool } from '../../../test/support/requires.ts'
import { type CompressFormat, CompressPool, compress } from '../src/index.ts'
import { chunked } from './support/reading.ts'

const library = new URL('../src/index.ts', import.meta.url).href

/** Text that compresses, with stretches that do not; not a multiple of any block. */
const sample = Buffer.concat(
  Array.from({ length: 700 }, (_, k) =>
    k % 7 === 0
      ? Buffer.from(createHash('shake256', { outputLength: 9000 }).update(String(k)).digest())
      : Buffer.from(`line ${k} of a text that repeats itself\n`.repeat(300)),
  ),
)

const pool = new CompressPool(2)
afterAll(() => pool.close())

async function* chunksOf(bytes: Uint8Array, size: number) {
  yield* chunked(bytes, size)
}

async function compressed(
  bytes: Uint8Array,
  format: CompressFormat,
  chunk: number,
  with_: CompressPool,
  level?: number,
) {
  const parts: Uint8Array[] = []
  for await (const part of compress(chunksOf(bytes, chunk), { format, level, pool: with_ })) parts.push(part)
  return Buffer.concat(parts)
}

/** zstd frames one after the other: Node decodes only the first. */
function unzstd(bytes: Buffer): Buffer {
  const starts = [0]
  for (let at = bytes.indexOf('28b52ffd', 1, 'hex'); at > 0; at = bytes.indexOf('28b52ffd', at + 1, 'hex'))
    starts.push(at)
  return Buffer.concat(starts.map((start, k) => zstdDecompressSync(bytes.subarray(start, starts[k + 1]))))
}

describe('compress', () => {
  it('gives one gzip member and independent zstd frames of the input', async () => {
    expect(sample.length).toBeGreaterThan(5 * 2 ** 20)
    expect(gunzipSync(await compressed(sample, 'gzip', 70_000, pool))).toEqual(sample)
    expect(unzstd(await compressed(sample, 'zstd', 70_000, pool))).toEqual(sample)
    expect(await compressed(sample, 'none', 70_000, pool)).toEqual(sample)
  })

  it('gives the same bytes for any number of threads and any chunks', async () => {
    for (const format of ['gzip', 'zstd'] as const) {
      const reference = await compressed(sample, format, 65_536, pool)
      for (const [threads, chunk] of [
        [1, 1_000_003],
        [2, 4099],
        [8, sample.length],
      ] as const) {
        const other = new CompressPool(threads)
        try {
          expect((await compressed(sample, format, chunk, other)).equals(reference)).toBe(true)
        } finally {
          await other.close()
        }
      }
    }
  })

  it('refers across blocks: nearly as small as one stream', async () => {
    const whole = gzipSync(sample, { level: 5 }).length
    expect((await compressed(sample, 'gzip', 65_536, pool)).length).toBeLessThan(whole * 1.02)
  })

  it.each([0, 1, 32 * 1024, 512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1, 4 * 2 ** 20, 4 * 2 ** 20 + 1])(
    'takes %i bytes',
    async length => {
      const bytes = sample.subarray(0, length)
      expect(gunzipSync(await compressed(bytes, 'gzip', 100_000, pool))).toEqual(bytes)
      expect(unzstd(await compressed(bytes, 'zstd', 100_000, pool))).toEqual(bytes)
    },
  )

  it('takes what cannot be compressed', async () => {
    const noise = randomBytes(5 * 2 ** 20 + 11)
    expect(gunzipSync(await compressed(noise, 'gzip', 65_536, pool, 9)).equals(noise)).toBe(true)
    expect(unzstd(await compressed(noise, 'zstd', 65_536, pool)).equals(noise)).toBe(true)
  })

  it.skipIf(!requireTool('gzip'))('passes gzip -t', async () => {
    const { status, stderr } = spawnSync('gzip', ['-t'], { input: await compressed(sample, 'gzip', 65_536, pool) })
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' })
  })

  it.skipIf(!requireTool('zstd'))('passes zstd -d', async () => {
    const input = await compressed(sample, 'zstd', 65_536, pool)
    expect(execFileSync('zstd', ['-dc'], { input, maxBuffer: 2 ** 26 }).equals(sample)).toBe(true)
  })

  it('puts out nothing if the input throws at once, and throws what it threw', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* []
      throw new RangeError('no input')
    }
    const got: Uint8Array[] = []
    const reading = (async () => {
      for await (const part of compress(broken(), { format: 'gzip', pool })) got.push(part)
    })()
    await expect(reading).rejects.toThrow(new RangeError('no input'))
    expect(got).toEqual([])
  })

  it('refuses levels that do not exist', async () => {
    for (const [format, level] of [
      ['gzip', 0],
      ['gzip', 13],
      ['zstd', 20],
      ['gzip', 1.5],
    ] as const) {
      await expect(compressed(sample, format, 1000, pool, level)).rejects.toThrow(RangeError)
    }
  })

  it('can be left early: the input is closed, the pool goes on', async () => {
    let closed = false
    async function* endless() {
      try {
        for (;;) yield sample
      } finally {
        closed = true
      }
    }
    for await (const part of compress(endless(), { format: 'gzip', pool })) {
      expect(part.length).toBeGreaterThan(0)
      break
    }
    expect(closed).toBe(true)
    expect(gunzipSync(await compressed(sample, 'gzip', 65_536, pool))).toEqual(sample)
  })

  it('reads no further ahead than the threads need', async () => {
    let read = 0
    async function* counted() {
      for (;;) {
        read += sample.length
        yield sample
      }
    }
    for await (const _ of compress(counted(), { format: 'gzip', pool })) break
    expect(read).toBeLessThan(2 * sample.length + 6 * 512 * 1024)
  })

  it('without a pool leaves no thread behind', async () => {
    const script = `
      import { compress } from '${library}'
      for await (const part of compress((async function* () { yield Buffer.alloc(5e6) })(), { format: 'gzip' })) break
      for await (const part of compress((async function* () { yield Buffer.alloc(5e6) })(), { format: 'zstd' }));
      console.log(process.getActiveResourcesInfo().filter(name => /Worker|MessagePort/.test(name)).length)`
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script])
    expect({ stdout: stdout.toString(), stderr: stderr.toString(), status }).toEqual({
      stdout: '0\n',
      stderr: '',
      status: 0,
    })
  })
})

const workerScript = `
  import { parentPort, workerData } from 'node:worker_threads'
  import { compress } from '${library}'
  const { port, bytes } = workerData
  async function* chunks() { yield bytes }
  for (let round = 0; round < 2; round++) {
    const parts = []
    for await (const part of compress(chunks(), { format: 'gzip', pool: port })) parts.push(part)
    parentPort.postMessage(Buffer.concat(parts))
  }`

function connectedWorker(to: CompressPool): Worker {
  const port = to.connect()
  const url = new URL(`data:text/javascript,${encodeURIComponent(workerScript)}`)
  return new Worker(url, { workerData: { port, bytes: sample }, transferList: [port], execArgv: [] })
}

describe('a thread that compresses through the pool of another', () => {
  it('gets the same bytes, more than once, and ends by itself', async () => {
    const worker = connectedWorker(pool)
    const got: Uint8Array[] = []
    worker.on('message', bytes => got.push(bytes))
    const [code] = await once(worker, 'exit')
    expect(code).toBe(0)
    const reference = await compressed(sample, 'gzip', 65_536, pool)
    expect(got.map(bytes => reference.equals(bytes))).toEqual([true, true])
  })

  it('can be ended in the middle without harm to the pool', async () => {
    const worker = connectedWorker(pool)
    await once(worker, 'message')
    await worker.terminate()
    expect(gunzipSync(await compressed(sample, 'gzip', 65_536, pool))).toEqual(sample)
  })
})

describe('a pool that is closed', () => {
  it('rejects what was running and what comes later', async () => {
    const own = new CompressPool(1)
    const parts = compress(chunksOf(sample, 65_536), { format: 'gzip', pool: own })
    await parts.next()
    await own.close()
    await expect(
      (async () => {
        for await (const _ of parts);
      })(),
    ).rejects.toThrow(/compress pool/)
    await expect(compressed(sample, 'gzip', 1000, own)).rejects.toThrow(/closed/)
  })
})
