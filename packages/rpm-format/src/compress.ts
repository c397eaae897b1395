import type { MessagePort } from 'node:worker_threads'
import { crc32 } from 'node:zlib'
import { free, own } from './chunk-memory.ts'
import { Lanes } from './compress-lanes.ts'
import { CompressPool } from './compress-pool.ts'

export type CompressFormat = 'gzip' | 'zstd' | 'none'

export interface CompressOptions {
  readonly format: CompressFormat
  /** gzip 1–12 (libdeflate's), default 3, at which text and dense blocks take 1; zstd 1–19, default 2. */
  readonly level?: number | undefined
  /** The process's pool, or the port that `pool.connect()` gave this thread. Without: threads of its own, one per core. */
  readonly pool?: CompressPool | MessagePort | undefined
  /** What is put out is good only until the next chunk is asked for. */
  readonly reuseChunks?: boolean | undefined
}

interface BlockFormat {
  readonly format: 'gzip' | 'zstd'
  /** Input bytes of one block, compressed on its own. */
  readonly block: number
  readonly level: number
  readonly levels: readonly [number, number]
}

// Part of the output's identity: other sizes give other bytes.
const gzip: BlockFormat = { format: 'gzip', block: 1024 * 1024, level: 3, levels: [1, 12] }
const zstd: BlockFormat = { format: 'zstd', block: 4 * 1024 * 1024, level: 2, levels: [1, 19] }

/**
 * One gzip member of independently deflated blocks, or independent zstd frames, compressed by as many threads as the
 * pool has and put out in order. The bytes depend on the input, the format and the level, never on chunking or threads.
 */
export async function* compress(
  chunks: AsyncIterable<Uint8Array>,
  options: CompressOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (options.format === 'none') return yield* chunks
  const format = options.format === 'gzip' ? gzip : zstd
  const level = checkedLevel(format, options.level ?? format.level)
  const ownPool = options.pool ? undefined : new CompressPool()
  try {
    const lanes = await lanesOf(ownPool ?? options.pool!)
    const input = new BlockInput(chunks, format)
    // Nothing goes out before the input has given something: an input that throws at once leaves no trace.
    let header = format === gzip ? gzipHeader : undefined
    for await (const output of inOrder(lanes, input, format, level)) {
      if (header) yield header
      header = undefined
      yield output
      if (options.reuseChunks) free(output)
    }
    if (header) yield header
    if (format === gzip) yield gzipTrailer(input)
  } finally {
    await ownPool?.close()
  }
}

/** Keeps every thread busy, holds a bounded number of blocks, yields them in order. */
async function* inOrder(
  lanes: Lanes,
  input: BlockInput,
  { format }: BlockFormat,
  level: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bound = lanes.threads + 2
  const running: Promise<Uint8Array>[] = []
  for await (const block of input) {
    const output = lanes.run({ format, level, ...block }).then(done => {
      input.recycle(done.input)
      return own(done.output)
    })
    // Who leaves early never awaits the rest.
    output.catch(() => undefined)
    running.push(output)
    if (running.length >= bound) yield await running.shift()!
  }
  while (running.length > 0) yield await running.shift()!
}

/** Cuts chunks of any size into blocks at exact offsets. */
class BlockInput {
  bytes = 0
  crc = 0
  readonly #chunks: AsyncIterable<Uint8Array>
  readonly #format: BlockFormat
  readonly #free: ArrayBuffer[] = []

  constructor(chunks: AsyncIterable<Uint8Array>, format: BlockFormat) {
    this.#chunks = chunks
    this.#format = format
  }

  recycle(buffer: ArrayBuffer): void {
    this.#free.push(buffer)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ input: ArrayBuffer; length: number }> {
    const { format, block } = this.#format
    let buffer = this.#buffer()
    let used = 0
    for await (const chunk of this.#chunks) {
      this.bytes += chunk.length
      if (format === 'gzip') this.crc = crc32(chunk, this.crc)
      for (let from = 0; from < chunk.length; ) {
        const taken = Math.min(chunk.length - from, block - used)
        buffer.set(chunk.subarray(from, from + taken), used)
        from += taken
        used += taken
        if (used < block) continue
        yield { input: buffer.buffer as ArrayBuffer, length: used }
        buffer = this.#buffer()
        used = 0
      }
    }
    // zstd: no input at all is still one frame.
    if (used > 0 || (this.bytes === 0 && format === 'zstd')) yield { input: buffer.buffer as ArrayBuffer, length: used }
  }

  #buffer(): Uint8Array {
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(this.#format.block))
  }
}

/** Lanes of ports that other threads handed us: made once per port. */
const received = new WeakMap<MessagePort, Promise<Lanes>>()

function lanesOf(pool: CompressPool | MessagePort): Promise<Lanes> {
  if (pool instanceof CompressPool) return Promise.resolve(pool.lanes())
  let lanes = received.get(pool)
  if (!lanes) {
    lanes = new Promise((resolve, reject) => {
      pool.once('message', ({ ports }: { ports: MessagePort[] }) => {
        pool.unref()
        resolve(new Lanes(ports))
      })
      pool.once('close', () => reject(new Error('the compress pool is closed')))
    })
    received.set(pool, lanes)
  }
  return lanes
}

function checkedLevel({ format, levels: [lowest, highest] }: BlockFormat, level: number): number {
  if (Number.isInteger(level) && level >= lowest && level <= highest) return level
  throw new RangeError(`${format} levels go from ${lowest} to ${highest}, not ${level}`)
}

/** Deflate, no name, no time, made on Unix. */
const gzipHeader = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3)

/** An empty last block (blocks before it end in a sync flush), then CRC-32 and size, RFC 1952. */
function gzipTrailer({ crc, bytes }: BlockInput): Uint8Array {
  const trailer = new Uint8Array(10)
  trailer.set([3, 0])
  const view = new DataView(trailer.buffer)
  view.setUint32(2, crc, true)
  view.setUint32(6, bytes % 2 ** 32, true)
  return trailer
}
