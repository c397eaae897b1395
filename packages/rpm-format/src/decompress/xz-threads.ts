import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { free, own } from '../chunk-memory.ts'
import { RpmError } from '../errors.ts'
import { Signal } from '../signal.ts'
import { xzReader } from './xz.ts'
import { type WalkedBlock, XzWalk } from './xz-walk.ts'
import type { FromXzWorker, ToXzWorker } from './xz-worker.ts'

const workerUrl = new URL(`./xz-worker${extname(import.meta.url)}`, import.meta.url)

const cores = availableParallelism()
/** Blocks that are decoded at the same time, however many cores there are: each holds a dictionary and its output. */
const mostThreads = 4
/** Bytes of a message: small ones cost more to send than to decode. */
const messageSize = 256 * 1024
/** Compressed bytes that may wait for one thread. */
const inputAhead = 512 * 1024
/** The same in a stream of several blocks: while one is decoded, those behind it have to be found. */
const blockAhead = (cores > 2 ? 8 : 4) * 1024 * 1024
/**
 * Output chunks of 512 KiB of a block that may wait. With a block's worth (rpm's are of 24 MiB) blocks are decoded side by
 * side. Of two cores a compressor wants the other: there that costs 50 MB and makes a .tar.gz no quicker (measured).
 */
const outputAhead = cores > 2 ? 48 : 3

/**
 * As `unxz`, but decoded in threads of its own, beside whatever this thread does: one where the stream is one block, and
 * as many as there are cores (4 at most) where it has several.
 */
export async function* unxzInThreads(
  input: AsyncIterable<Uint8Array>,
  reuse = false,
): AsyncGenerator<Buffer, void, undefined> {
  const threads = new XzThreads(Math.min(mostThreads, cores))
  const walk = await XzWalk.open(xzReader(input, reuse))
  const blocks = new BlockQueue()
  const feeding = feed(walk, threads, blocks)
  try {
    for (let decoding = await blocks.next(); decoding; decoding = await blocks.next()) yield* decoding.outputs(reuse)
  } finally {
    threads.close()
    await feeding
  }
}

/** Walks the stream ahead of its decoders. What goes wrong here counts once everything before it is decoded. */
async function feed(walk: XzWalk, threads: XzThreads, blocks: BlockQueue): Promise<void> {
  let decoding: DecodedBlock | undefined
  try {
    for (let block = await walk.block(); block; block = await walk.block()) {
      decoding = await threads.start(block, walk)
      blocks.add(decoding)
      const message = new Message()
      for await (const chunk of walk.chunks(block)) {
        if (!message.fits(chunk)) await decoding.push(message.take())
        message.add(chunk)
      }
      await decoding.push(message.take())
      decoding.end()
      decoding = undefined
    }
    await walk.end()
    blocks.end()
  } catch (error) {
    if (decoding) decoding.abandon(error)
    else blocks.fail(error)
  }
}

/** LZMA2 chunks on their way to a decoder, in memory that can be given away. */
class Message {
  #bytes = new Uint8Array(messageSize)
  #used = 0

  fits(chunk: Uint8Array): boolean {
    return this.#used === 0 || this.#used + chunk.length <= messageSize
  }

  add(chunk: Uint8Array): void {
    this.#bytes.set(chunk, this.#used)
    this.#used += chunk.length
  }

  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.slice(0, this.#used)
    this.#used = 0
    return bytes
  }
}

/** Blocks in the order of the stream. */
class BlockQueue {
  readonly #blocks: DecodedBlock[] = []
  #end: { error?: unknown } | undefined
  readonly #changed = new Signal()

  add(block: DecodedBlock): void {
    this.#blocks.push(block)
    this.#changed.give()
  }

  end(): void {
    this.#end = {}
    this.#changed.give()
  }

  fail(error: unknown): void {
    this.#end = { error }
    this.#changed.give()
  }

  async next(): Promise<DecodedBlock | undefined> {
    for (;;) {
      const block = this.#blocks.shift()
      if (block) return block
      if (this.#end) {
        if ('error' in this.#end) throw this.#end.error
        return undefined
      }
      await this.#changed.wait()
    }
  }
}

class XzThreads {
  readonly #most: number
  readonly #workers: Worker[] = []
  readonly #idle: Worker[] = []
  #closed = false
  readonly #changed = new Signal()

  constructor(most: number) {
    this.#most = most
  }

  /** Gives the block to a thread, as soon as one is free. */
  async start(block: WalkedBlock, { checkType }: XzWalk): Promise<DecodedBlock> {
    const worker = await this.#free()
    const decoding = new DecodedBlock(worker, block, () => {
      this.#idle.push(worker)
      this.#changed.give()
    })
    decoding.start(checkType, outputAhead)
    return decoding
  }

  close(): void {
    this.#closed = true
    this.#changed.give()
    for (const worker of this.#workers) void worker.terminate()
  }

  async #free(): Promise<Worker> {
    for (;;) {
      if (this.#closed) throw new Error('nobody waits for these blocks any more')
      const idle = this.#idle.shift()
      if (idle) return idle
      if (this.#workers.length < this.#most) return this.#spawn()
      await this.#changed.wait()
    }
  }

  #spawn(): Worker {
    const worker = new Worker(workerUrl, {
      name: `xz-${this.#workers.length}`,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    })
    this.#workers.push(worker)
    return worker
  }
}

/** A block that a thread decodes. */
class DecodedBlock {
  readonly #worker: Worker
  readonly #block: WalkedBlock
  readonly #release: () => void
  readonly #ready: Uint8Array<ArrayBuffer>[] = []
  #waiting = 0
  #result: { produced: number; check: Uint8Array } | undefined
  #failure: { error: unknown } | undefined
  #abandoned: { error: unknown } | undefined
  readonly #output = new Signal()
  readonly #room = new Signal()

  constructor(worker: Worker, block: WalkedBlock, release: () => void) {
    this.#worker = worker
    this.#block = block
    this.#release = release
    worker.on('message', this.#onMessage).on('error', this.#onError).on('exit', this.#onExit)
  }

  start(check: XzWalk['checkType'], room: number): void {
    this.#tell({ type: 'block', dictionaryCode: this.#block.header.dictionaryCode, check, room })
  }

  /** Resolves when more may be pushed. */
  async push(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#waiting += bytes.length
    this.#tell({ type: 'data', bytes: bytes.buffer }, [bytes.buffer])
    const { compressed } = this.#block.header
    const ahead = compressed === undefined ? inputAhead : blockAhead
    while (this.#waiting > ahead && !this.#failure) {
      await this.#room.wait()
    }
  }

  end(): void {
    this.#tell({ type: 'end', compressed: this.#block.compressed })
  }

  /** The stream broke off in this block. */
  abandon(error: unknown): void {
    this.#abandoned = { error }
    this.#tell({ type: 'end', compressed: 0 })
  }

  /** What the block holds; throws where the block, or the stream within it, is bad. With `reuse`, chunks go back to be filled again. */
  async *outputs(reuse: boolean): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const bytes = this.#ready.shift()
      if (bytes) {
        yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        this.#giveBack(bytes, reuse)
      } else if (this.#failure) throw this.#failure.error
      else if (this.#result) break
      else await this.#output.wait()
    }
    if (this.#abandoned) throw this.#abandoned.error
    this.#block.verify(this.#result.produced, this.#result.check)
  }

  #giveBack(bytes: Uint8Array<ArrayBuffer>, reuse: boolean): void {
    // A thread that is done with this block works for another.
    if (this.#result) {
      if (reuse) free(own(bytes))
      return
    }
    this.#tell({ type: 'used', memory: reuse ? bytes.buffer : undefined }, reuse ? [bytes.buffer] : [])
  }

  readonly #onMessage = (message: FromXzWorker): void => {
    if (message.type === 'output') this.#ready.push(message.bytes)
    else if (message.type === 'consumed') {
      this.#waiting -= message.length
      this.#room.give()
    } else if (message.type === 'done') {
      this.#result = message
      this.#leave()
    } else this.#fail(message.code ? new RpmError(message.code, message.message) : new Error(message.message))
    this.#output.give()
  }

  readonly #onError = (error: unknown): void => this.#fail(error)
  readonly #onExit = (): void => this.#fail(new Error('the thread that decodes xz has ended'))

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#output.give()
    this.#room.give()
  }

  #leave(): void {
    this.#worker.off('message', this.#onMessage).off('error', this.#onError).off('exit', this.#onExit)
    this.#release()
  }

  #tell(message: ToXzWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer)
  }
}
