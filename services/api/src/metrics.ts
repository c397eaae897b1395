import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { PackageType } from '@diskful/conversion'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { TarOrigin } from './downloads/tars.ts'

const NANOSECONDS = 1e9

/** What the API counts, in a registry of its own. */
export class ApiMetrics {
  readonly registry = new Registry()
  readonly #eventLoop = monitorEventLoopDelay({ resolution: 10 })

  readonly #requests = this.#counter('diskful_http_requests_total', 'Requests answered', ['route', 'method', 'status'])
  readonly #seconds = new Histogram({
    name: 'diskful_http_request_seconds',
    help: 'From the request line to the last byte of the answer',
    labelNames: ['route'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300],
    registers: [this.registry],
  })
  readonly #sentBytes = this.#counter('diskful_download_bytes_total', 'Bytes of packages sent', ['type'])
  readonly #aborted = this.#counter('diskful_downloads_aborted_total', 'Downloads that ended early', ['reason'])
  readonly #tars = this.#counter(
    'diskful_tar_requests_total',
    "TARs answered: an admin's own, from the store (hit), or converted now (miss)",
    ['result'],
  )
  readonly #waiters = new Gauge({
    name: 'diskful_waiting_requests',
    help: 'Requests that wait for a conversion',
    registers: [this.registry],
  })
  readonly #waitSeconds = new Histogram({
    name: 'diskful_wait_seconds',
    help: 'How long requests waited for a conversion',
    buckets: [0.05, 0.2, 1, 3, 10, 30, 100, 300],
    registers: [this.registry],
  })

  constructor() {
    this.#eventLoop.enable()
    collectDefaultMetrics({ register: this.registry, prefix: 'diskful_' })
    this.#observeEventLoop()
  }

  request(route: string, method: string, status: number, seconds: number): void {
    this.#requests.inc({ route, method, status })
    this.#seconds.observe({ route }, seconds)
  }

  sent(type: PackageType, bytes: number): void {
    this.#sentBytes.inc({ type }, bytes)
  }

  aborted(reason: 'client-left' | 'failed'): void {
    this.#aborted.inc({ reason })
  }

  tar(result: TarOrigin): void {
    this.#tars.inc({ result })
  }

  /** Returns what is to be called when the wait is over. */
  waitBegins(): () => void {
    this.#waiters.inc()
    const began = performance.now()
    return () => {
      this.#waiters.dec()
      this.#waitSeconds.observe((performance.now() - began) / 1000)
    }
  }

  close(): void {
    this.#eventLoop.disable()
    this.registry.clear()
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  #observeEventLoop(): void {
    const delay = this.#eventLoop
    new Gauge({
      name: 'diskful_event_loop_delay_seconds',
      help: 'Delay of the event loop since the last time this was asked for',
      labelNames: ['quantile'],
      registers: [this.registry],
      collect() {
        for (const quantile of [0.5, 0.99]) this.set({ quantile }, delay.percentile(quantile * 100) / NANOSECONDS)
        this.set({ quantile: 1 }, delay.max / NANOSECONDS)
        delay.reset()
      },
    })
  }
}
