import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { Lanes } from './compress-lanes.ts'

/** The worker stands beside this file: `.ts` in the workspace, `.js` when built. */
const workerUrl = new URL(`./compress-worker${extname(import.meta.url)}`, import.meta.url)

/**
 * Threads that compress blocks for everybody in this process, started with the first use. Every user talks to every
 * thread over ports of its own, so nothing passes through the thread that made the pool.
 */
export class CompressPool {
  readonly threads: number
  readonly #workers = new Map<number, Worker>()
  readonly #handovers = new Set<MessagePort>()
  #own: Lanes | undefined
  #closed = false

  constructor(threads: number = availableParallelism()) {
    if (!Number.isInteger(threads) || threads < 1)
      throw new RangeError(`a pool needs at least 1 thread, not ${threads}`)
    this.threads = threads
  }

  /** For the thread that made the pool. */
  lanes(): Lanes {
    if (!this.#own?.usable) this.#own = new Lanes(this.#ports())
    return this.#own
  }

  /** A port to transfer to another thread, which passes it to `compress()` as its pool, as often as it likes. */
  connect(): MessagePort {
    const { port1: here, port2: there } = new MessageChannel()
    const ports = this.#ports()
    here.postMessage({ ports }, ports)
    this.#handovers.add(here)
    here.once('close', () => this.#handovers.delete(here))
    return there
  }

  /** Ends the threads. What they were still compressing rejects. */
  async close(): Promise<void> {
    this.#closed = true
    for (const port of this.#handovers) port.close()
    const workers = [...this.#workers.values()]
    await Promise.all(workers.map(worker => worker.terminate()))
    this.#own?.close()
  }

  /** One port to each worker. */
  #ports(): MessagePort[] {
    if (this.#closed) throw new Error('the compress pool is closed')
    return Array.from({ length: this.threads }, (_, index) => {
      const { port1: ours, port2: theirs } = new MessageChannel()
      this.#worker(index).postMessage({ port: theirs }, [theirs])
      return ours
    })
  }

  #worker(index: number): Worker {
    const running = this.#workers.get(index)
    if (running) return running
    const worker = new Worker(workerUrl, {
      name: `compress-${index}`,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    })
    worker.unref()
    // A dead worker closes its ports: its users learn of it there, and the next one to connect gets a new worker.
    worker.on('error', () => this.#workers.delete(index))
    worker.on('exit', () => this.#workers.delete(index))
    this.#workers.set(index, worker)
    return worker
  }
}
