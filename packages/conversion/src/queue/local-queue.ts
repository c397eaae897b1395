import type { ChildProcess } from 'node:child_process'
import type { ConversionJob, ConversionOutcome } from '../job.ts'
import type { Logger } from '../logging.ts'
import type { TarStore } from '../store/tar-store.ts'
import { type Answer, answerTo, crashesConverter, errorOf, type Failure } from './answer.ts'
import type { ConversionQueue, ConvertOptions, QueueStatus } from './conversion-queue.ts'
import { ConverterProcess } from './converter-process.ts'
import { DEATHS_ALLOWED } from './crash-count.ts'
import type { FromConverter } from './ipc.ts'
import { type LocalJob, LocalJobs } from './local-jobs.ts'
import { QueueError } from './queue-error.ts'
import { memoryRejections } from './rejections.ts'
import { UsageFlush } from './usage-flush.ts'
import { type Flight, Waits } from './waits.ts'

/** As many tries as a job has in the distributed mode. */
const ATTEMPTS = 3

export interface LocalQueueOptions {
  /** Starts a converter with an IPC channel (`serialization: 'json'`). Called again whenever one dies. */
  spawn: () => ChildProcess
  store: TarStore
  logger: Logger
  /** Requests that this process may hold; 20,000. */
  maxWaiters?: number
  /** How long the first converter may take to start before waits end with `no-converter`; 15,000. */
  startMs?: number
  /** The same for later ones, which replace one that died; 10,000: a machine that killed it may be busy. */
  noConverterMs?: number
  /** How long close() lets running conversions finish; 20,000. */
  stopMs?: number
}

/** The queue of the standalone mode: this process orders the jobs, one converter process works them. */
export function localQueue(options: LocalQueueOptions): ConversionQueue {
  return new LocalQueue(options)
}

class LocalQueue implements ConversionQueue {
  #store: TarStore
  #logger: Logger
  #jobs = new LocalJobs()
  #rejections = memoryRejections()
  #waits: Waits
  #converter: ConverterProcess
  #usage: UsageFlush
  #addedAgain = new WeakSet<Flight>()
  #noConverterMs: number
  #stopMs: number
  /** Jobs that it takes at a time; 0 while there is none. */
  #concurrency = 0
  #patience: { timer: NodeJS.Timeout; ends: number } | undefined
  #hopeless = false
  #closed: Promise<void> | undefined

  constructor(options: LocalQueueOptions) {
    const { spawn, store, logger, maxWaiters = 20_000, startMs = 15_000 } = options
    this.#store = store
    this.#logger = logger
    this.#noConverterMs = options.noConverterMs ?? 10_000
    this.#stopMs = options.stopMs ?? 20_000
    this.#waits = new Waits(maxWaiters, flight => void this.#begin(flight))
    this.#converter = new ConverterProcess({
      spawn,
      logger,
      onMessage: message => this.#onMessage(message),
      onDeath: () => this.#onDeath(),
    })
    this.#usage = new UsageFlush(store, async ages => this.#converter.send({ type: 'used', ages: [...ages] }), logger)
    this.#losePatienceIn(startMs)
  }

  convert(job: ConversionJob, options: ConvertOptions): Promise<ConversionOutcome> {
    return this.#waits.wait(job, options)
  }

  async enqueue(job: ConversionJob): Promise<void> {
    if (this.#closed) throw new QueueError('shutting-down', 'This process is ending')
    if (await this.#store.peek(job.key)) return
    this.#jobs.add(job)
    this.#dispatch()
  }

  async status(): Promise<QueueStatus> {
    return {
      reachable: true,
      converters: this.#concurrency > 0 ? 1 : 0,
      waiting: this.#jobs.waiting,
      active: this.#jobs.running,
      delayed: 0,
      oldestMs: this.#jobs.oldestMs(),
      waiters: this.#waits.count,
      ...(this.#concurrency === 0 && { message: 'The converter is not running; it is being started' }),
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#patient()
    this.#waits.close(new QueueError('shutting-down', 'This process is ending'))
    await this.#usage.close()
    await this.#converter.stop(this.#stopMs)
  }

  async #begin(flight: Flight): Promise<void> {
    try {
      if (await this.#settledByStore(flight)) return
      const rejected = await this.#rejections.find(flight.job)
      if (rejected) return this.#waits.settle(flight, rejected)
      await this.#add(flight)
      if (this.#hopeless) this.#waits.fail(flight, noConverter())
    } catch (error) {
      this.#fail(flight, error)
    }
  }

  #dispatch(): void {
    while (this.#jobs.running < this.#concurrency) {
      const next = this.#jobs.next()
      if (!next) return
      this.#converter.send({ type: 'convert', job: next.job })
    }
  }

  #onMessage(message: FromConverter): void {
    if (message.type === 'ready') {
      this.#concurrency = message.concurrency
      this.#hopeless = false
      this.#patient()
    } else if (message.type === 'answer') this.#onAnswer(message.key, message.answer)
    else if (message.type === 'failed') this.#onFailure(message.key, message.failure)
    this.#dispatch()
  }

  #onAnswer(key: string, answer: Answer): void {
    const local = this.#jobs.finish(key)
    if (!local) return
    void this.#rejections.remember(local.job, answer.outcome)
    const flight = this.#waits.get(key)
    if (flight) void this.#settle(flight, answer)
  }

  /** Believes in a publication when it sees it; if it was evicted at once, say, it is made once more. */
  async #settle(flight: Flight, answer: Answer): Promise<void> {
    if (answer.outcome.status !== 'published') return this.#waits.settle(flight, answer)
    try {
      if (await this.#settledByStore(flight)) return
      if (this.#addedAgain.has(flight)) throw new Error('The TAR was published, but it is not in CACHE_DIR')
      this.#addedAgain.add(flight)
      await this.#add(flight)
    } catch (error) {
      this.#fail(flight, error)
    }
  }

  async #settledByStore(flight: Flight): Promise<boolean> {
    const meta = await this.#store.peek(flight.key)
    if (meta) {
      const { key, sha256, size } = meta
      this.#waits.settle(flight, answerTo(flight.job, { status: 'published', key, sha256, size }))
    }
    return meta !== undefined
  }

  async #add(flight: Flight): Promise<void> {
    this.#jobs.add((await this.#store.isDamaged(flight.key)) ? { ...flight.job, remake: true } : flight.job)
    this.#dispatch()
  }

  #fail(flight: Flight, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    this.#waits.fail(flight, new QueueError('conversion-failed', message, { cause: error }))
  }

  #onFailure(key: string, failure: Failure): void {
    const local = this.#jobs.finish(key)
    if (!local) return
    local.failures++
    const flight = this.#waits.get(key)
    if (failure.retry && local.failures < ATTEMPTS) this.#jobs.retry([local])
    else if (flight) this.#waits.fail(flight, errorOf(failure))
  }

  #onDeath(): void {
    this.#concurrency = 0
    const again: LocalJob[] = []
    for (const local of this.#jobs.takeRunning()) {
      local.crashes++
      if (local.crashes <= DEATHS_ALLOWED) again.push(local)
      else this.#reject(local)
    }
    this.#jobs.retry(again)
    this.#losePatienceIn(this.#noConverterMs)
  }

  #reject({ job }: LocalJob): void {
    const answer = answerTo(job, crashesConverter('its process died'))
    this.#logger.error({ key: job.key, nevra: job.nevra, file: job.file }, 'this package ends its converter')
    void this.#rejections.remember(job, answer.outcome)
    const flight = this.#waits.get(job.key)
    if (flight) this.#waits.settle(flight, answer)
  }

  /** Without a converter for so long, nobody is kept waiting for one. Another death does not prolong it. */
  #losePatienceIn(ms: number): void {
    const ends = Math.min(performance.now() + ms, this.#patience?.ends ?? Number.POSITIVE_INFINITY)
    if (this.#hopeless || this.#closed) return
    this.#patient()
    const timer = setTimeout(() => {
      this.#hopeless = true
      for (const flight of this.#waits.flights()) this.#waits.fail(flight, noConverter())
    }, ends - performance.now()).unref()
    this.#patience = { timer, ends }
  }

  #patient(): void {
    clearTimeout(this.#patience?.timer)
    this.#patience = undefined
  }
}

function noConverter(): QueueError {
  return new QueueError('no-converter', 'The converter is not running; it is being started again')
}
