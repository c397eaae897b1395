import type { MessagePort } from 'node:worker_threads'

export interface CompressTask {
  readonly format: 'gzip' | 'zstd'
  readonly level: number
  /** `length` bytes to compress stand at its beginning. Given away: unusable after the call. */
  readonly input: ArrayBuffer
  readonly length: number
}

export interface CompressedBlock {
  readonly output: Uint8Array
  /** The task's input, back for reuse. */
  readonly input: ArrayBuffer
}

/** What a worker answers; `id` names the task. */
export type CompressAnswer =
  | { readonly id: number; readonly output: Uint8Array; readonly input: ArrayBuffer }
  | { readonly id: number; readonly error: unknown }

interface Pending {
  resolve(block: CompressedBlock): void
  reject(reason: unknown): void
}

/** One port to each thread of a pool. Tasks go to the thread that has least to do for us. */
export class Lanes {
  readonly #lanes: Lane[]

  constructor(ports: readonly MessagePort[]) {
    this.#lanes = ports.map(port => new Lane(port))
  }

  get threads(): number {
    return this.#lanes.length
  }

  get usable(): boolean {
    return this.#lanes.every(lane => lane.open)
  }

  run(task: CompressTask): Promise<CompressedBlock> {
    const open = this.#lanes.filter(lane => lane.open)
    if (open.length === 0) return Promise.reject(new Error('all threads of the compress pool have ended'))
    return open.reduce((best, lane) => (lane.pending < best.pending ? lane : best)).run(task)
  }

  close(): void {
    for (const lane of this.#lanes) lane.close()
  }
}

class Lane {
  open = true
  readonly #port: MessagePort
  readonly #pending = new Map<number, Pending>()
  #lastId = 0

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', (answer: CompressAnswer) => this.#settle(answer))
    port.on('close', () => this.#end())
    // An idle lane keeps no thread alive.
    port.unref()
  }

  get pending(): number {
    return this.#pending.size
  }

  run(task: CompressTask): Promise<CompressedBlock> {
    const id = ++this.#lastId
    this.#port.postMessage({ id, ...task }, [task.input])
    if (this.#pending.size === 0) this.#port.ref()
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }))
  }

  close(): void {
    this.#port.close()
    this.#end()
  }

  #settle(answer: CompressAnswer): void {
    const pending = this.#pending.get(answer.id)
    this.#pending.delete(answer.id)
    if (this.#pending.size === 0) this.#port.unref()
    if ('error' in answer) pending?.reject(answer.error)
    else pending?.resolve(answer)
  }

  #end(): void {
    this.open = false
    for (const pending of this.#pending.values()) pending.reject(new Error('a thread of the compress pool has ended'))
    this.#pending.clear()
  }
}
