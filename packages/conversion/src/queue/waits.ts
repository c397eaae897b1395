import { identityText } from '../identity.ts'
import type { ConversionJob, ConversionOutcome } from '../job.ts'
import type { Answer } from './answer.ts'
import type { ConvertOptions } from './conversion-queue.ts'
import { QueueError } from './queue-error.ts'

interface Waiter {
  job: ConversionJob
  subject: string
  resolve: (outcome: ConversionOutcome) => void
  reject: (reason: unknown) => void
  /** Takes away its timer and its listener. */
  release: () => void
}

/** All waits of this process for one key. */
export interface Flight {
  readonly key: string
  readonly job: ConversionJob
  /** Nobody waits any more: the outcome was told, or everybody left. */
  readonly over: boolean
}

class OpenFlight implements Flight {
  readonly job: ConversionJob
  readonly waiters = new Set<Waiter>()
  over = false

  constructor(job: ConversionJob) {
    this.job = job
  }

  get key(): string {
    return this.job.key
  }
}

/**
 * Who waits for what in this process. The first wait for a key starts a flight, the others join it; what the flight
 * costs does not depend on how many joined.
 */
export class Waits {
  #flights = new Map<string, OpenFlight>()
  #count = 0
  #max: number
  #start: (flight: Flight) => void
  #closed: QueueError | undefined

  /** @param start begins to work on a flight; it must settle or fail it in the end */
  constructor(maxWaiters: number, start: (flight: Flight) => void) {
    this.#max = maxWaiters
    this.#start = start
  }

  get count(): number {
    return this.#count
  }

  get(key: string): Flight | undefined {
    return this.#flights.get(key)
  }

  flights(): Flight[] {
    return [...this.#flights.values()]
  }

  wait(job: ConversionJob, { signal, waitMs }: ConvertOptions): Promise<ConversionOutcome> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw this.#closed
      signal?.throwIfAborted()
      if (this.#count >= this.#max) {
        throw new QueueError('too-many-waiters', `This process already holds ${this.#max} waiting requests`)
      }
      const leave = (reason: unknown) => {
        this.#remove(waiter)
        reject(reason)
      }
      const onAbort = () => leave(signal?.reason)
      const timer = setTimeout(() => leave(waitTimeout(waitMs)), waitMs)
      signal?.addEventListener('abort', onAbort, { once: true })
      const release = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = { job, subject: identityText(job.identity), resolve, reject, release }
      this.#count++
      this.#join(waiter)
    })
  }

  /**
   * Tells everybody the outcome. A verdict on another state of the file than theirs (a copy elsewhere, an older
   * version) is none for them: those start over.
   */
  settle(flight: Flight, { outcome, subject }: Answer): void {
    const others: Waiter[] = []
    for (const waiter of this.#take(flight)) {
      if (outcome.status === 'published' || waiter.subject === subject) {
        this.#release(waiter)
        waiter.resolve(outcome)
      } else others.push(waiter)
    }
    for (const waiter of others) this.#join(waiter)
  }

  fail(flight: Flight, error: QueueError): void {
    for (const waiter of this.#take(flight)) {
      this.#release(waiter)
      waiter.reject(error)
    }
  }

  /** Ends all waits, present and future. */
  close(error: QueueError): void {
    this.#closed = error
    for (const flight of this.flights()) this.fail(flight, error)
  }

  #join(waiter: Waiter): void {
    const flight = this.#flights.get(waiter.job.key)
    if (flight) {
      flight.waiters.add(waiter)
      return
    }
    const started = new OpenFlight(waiter.job)
    started.waiters.add(waiter)
    this.#flights.set(started.key, started)
    this.#start(started)
  }

  #take(flight: Flight): Waiter[] {
    if (!(flight instanceof OpenFlight) || flight.over) return []
    flight.over = true
    this.#flights.delete(flight.key)
    const waiters = [...flight.waiters]
    flight.waiters.clear()
    return waiters
  }

  #remove(waiter: Waiter): void {
    const flight = this.#flights.get(waiter.job.key)
    if (!flight?.waiters.delete(waiter)) return
    this.#release(waiter)
    if (flight.waiters.size === 0) this.#take(flight)
  }

  #release(waiter: Waiter): void {
    this.#count--
    waiter.release()
  }
}

function waitTimeout(waitMs: number): QueueError {
  const seconds = Math.round(waitMs / 1000)
  return new QueueError('wait-timeout', `The conversion is not finished after ${seconds} s; it goes on`)
}
