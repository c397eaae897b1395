import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type ConversionJob, type ConversionOutcome, type Logger, QueueError } from '@diskful/conversion'
import type { Space } from '@diskful/conversion/converting'
import { CompressPool } from 'rpm-format'
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts'

const START_MS = 30_000
/** The default of 48 lets short-lived objects of a large header pile up before they are cleared. */
const YOUNG_GENERATION_MB = 12

/** The conversion ended its thread, or had to be ended with it. */
export class ThreadCrash extends Error {
  override readonly name = 'ThreadCrash'
  readonly code = 'thread-crash'
}

export interface ConversionThreadsOptions {
  /** Module that calls serveConversions. */
  threadFile: URL
  data: Omit<ThreadData, 'pool'>
  /** CACHE_DIR/staging */
  staging: string
  space: Space
  compressThreads: number
  heapMb: number
  logger: Logger
}

export interface RunLimits {
  /** Milliseconds for all of it. */
  deadlineMs: number
  /** Milliseconds without progress. */
  stallMs: number
  signal: AbortSignal
}

export interface RunResult {
  outcome: ConversionOutcome
  /** How the RPM's payload is compressed, if it came so far. */
  payload: string | undefined
}

/** Threads that convert one package at a time and can be ended at any moment; all compress in one pool of threads. */
export class ConversionThreads {
  #options: ConversionThreadsOptions
  #pool: CompressPool
  #idle: Worker[] = []
  #all = new Set<Worker>()

  constructor(options: ConversionThreadsOptions) {
    this.#options = options
    this.#pool = new CompressPool(options.compressThreads)
    // The first node need not wait until a thread has loaded everything.
    this.#idle.push(this.#spawn())
  }

  /**
   * Converts in a thread. Rejects with ThreadCrash when the thread ended or had to be ended by a limit, with
   * `signal.reason` when aborted, else with what went wrong in the machine.
   */
  async run(job: ConversionJob, limits: RunLimits): Promise<RunResult> {
    limits.signal.throwIfAborted()
    const worker = this.#idle.pop() ?? this.#spawn()
    const run = new ThreadRun(worker, this.#options.space)
    let reusable = false
    try {
      const result = await run.convert(job, limits)
      // What a refused package left behind in a decompressor is not worth finding out.
      reusable = result.outcome.status === 'published'
      return result
    } finally {
      if (reusable) this.#release(worker)
      else await this.#end(worker, run.staged)
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map(worker => worker.terminate()))
    await this.#pool.close()
  }

  #spawn(): Worker {
    const { threadFile, data, heapMb, logger } = this.#options
    const pool = this.#pool.connect()
    const worker = new Worker(threadFile, {
      name: 'conversion',
      workerData: { ...data, pool } satisfies ThreadData,
      transferList: [pool],
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      execArgv: [],
    })
    this.#all.add(worker)
    worker.on('error', error => logger.error({ error }, 'a conversion thread failed'))
    worker.once('exit', () => {
      this.#all.delete(worker)
      this.#idle = this.#idle.filter(idle => idle !== worker)
    })
    return worker
  }

  #release(worker: Worker): void {
    if (this.#all.has(worker)) this.#idle.push(worker)
  }

  /** Ends a thread and removes what it could not remove itself. */
  async #end(worker: Worker, staged: Iterable<string>): Promise<void> {
    await worker.terminate()
    for (const name of staged) await rm(join(this.#options.staging, name), { recursive: true, force: true })
  }
}

/** One conversion in one thread. */
class ThreadRun {
  /** Names in staging/ that it asked room for. */
  readonly staged = new Set<string>()
  #worker: Worker
  #space: Space
  #payload: string | undefined
  #progress: () => void = () => {}

  constructor(worker: Worker, space: Space) {
    this.#worker = worker
    this.#space = space
  }

  async convert(job: ConversionJob, { deadlineMs, stallMs, signal }: RunLimits): Promise<RunResult> {
    const worker = this.#worker
    const { promise, resolve, reject } = Promise.withResolvers<RunResult>()
    const late = () => reject(new ThreadCrash(`it was not finished after ${Math.round(deadlineMs / 1000)} s`))
    const stalled = () => reject(new ThreadCrash(`it made no progress for ${Math.round(stallMs / 1000)} s`))
    const deadline = setTimeout(late, deadlineMs)
    // Until its first word the thread may still be loading, on a busy machine for seconds.
    let stall = setTimeout(stalled, Math.max(stallMs, START_MS))
    this.#progress = () => {
      clearTimeout(stall)
      stall = setTimeout(stalled, stallMs)
    }
    const onMessage = (message: FromThread) => {
      this.#progress()
      if (message.type === 'done') resolve({ outcome: message.outcome, payload: this.#payload })
      else if (message.type === 'failed') reject(new QueueError(message.failure.code, message.failure.message))
      else if (message.type === 'reserve') void this.#reserve(message)
      else if (message.type === 'payload') this.#payload = message.payload
    }
    const onError = (error: Error) => reject(new ThreadCrash(`its thread failed: ${error.message}`, { cause: error }))
    const onExit = (code: number) => reject(new ThreadCrash(`its thread ended with code ${code}`))
    const onAbort = () => reject(signal.reason)
    worker.on('message', onMessage).once('error', onError).once('exit', onExit)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#tell({ type: 'convert', job })
    try {
      return await promise
    } finally {
      this.#progress = () => {}
      clearTimeout(deadline)
      clearTimeout(stall)
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #reserve({ id, file, needed, wanted }: Extract<FromThread, { type: 'reserve' }>): Promise<void> {
    this.staged.add(dirname(file))
    try {
      this.#tell({ type: 'granted', id, bytes: await this.#space.reserve(file, needed, wanted) })
    } catch (error) {
      const { code = 'failed', message } = error as Error & { code?: string }
      this.#tell({ type: 'refused', id, code, message })
    }
    this.#progress()
  }

  #tell(message: ToThread): void {
    this.#worker.postMessage(message)
  }
}
