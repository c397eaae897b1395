import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const PAYLOADS = new Set(['gzip', 'bzip2', 'xz', 'lzma', 'zstd', 'none'])

export type ConversionResult = 'published' | 'rejected' | 'source-changed' | 'failed' | 'crashed'

/** What a converter counts. Conversions are counted when they really ran, not when the store had the TAR already. */
export class ConverterMetrics {
  readonly registry = new Registry()
  readonly active = this.#gauge('diskful_conversions_active', 'Conversions that run now')
  readonly evictions = this.#counter('diskful_cache_evictions_total', 'TARs evicted to make room')
  readonly evictedBytes = this.#counter('diskful_cache_evicted_bytes_total', 'Bytes of the TARs evicted')
  readonly dropped = this.#counter('diskful_cache_dropped_total', 'TARs dropped because their RPM is gone')
  readonly swept = this.#counter('diskful_staging_swept_total', 'Left-overs of dead converters removed from staging')
  #conversions = new Counter({
    name: 'diskful_conversions_total',
    help: 'Conversions that ran',
    labelNames: ['result', 'code', 'format', 'payload'] as const,
    registers: [this.registry],
  })
  #seconds = new Histogram({
    name: 'diskful_conversion_seconds',
    help: 'How long conversions took',
    labelNames: ['result', 'payload'] as const,
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    registers: [this.registry],
  })
  #rpmBytes = this.#counter('diskful_conversion_rpm_bytes_total', 'Bytes of the RPMs converted', ['result', 'payload'])
  #tarBytes = this.#counter('diskful_conversion_tar_bytes_total', 'Bytes of the TARs made', ['payload'])

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'diskful_' })
  }

  /** What the cache holds, looked up when somebody asks: every converter says the same. */
  observeCache(held: () => Promise<{ bytes: number; tars: number }>): void {
    let looking: ReturnType<typeof held> | undefined
    // The two gauges of a scrape are collected together, and share a look at the whole cache.
    const look = () => {
      looking ??= held().finally(() => {
        looking = undefined
      })
      return looking
    }
    const gauge = (name: string, help: string, of: 'bytes' | 'tars') =>
      new Gauge({
        name,
        help,
        registers: [this.registry],
        async collect() {
          this.set((await look())[of])
        },
      })
    gauge('diskful_cache_bytes', 'Bytes of the cached TARs', 'bytes')
    gauge('diskful_cache_tars', 'Cached TARs', 'tars')
  }

  ran(run: {
    result: ConversionResult
    code?: string
    format: string
    payload: string | undefined
    seconds: number
    rpmBytes: number
    tarBytes?: number
  }): void {
    const { result, code = '', format, seconds, rpmBytes, tarBytes = 0 } = run
    // The header may hold any text there: labels take only what is known.
    const payload = PAYLOADS.has(run.payload ?? '') ? (run.payload ?? '') : 'unknown'
    this.#conversions.inc({ result, code, format, payload })
    this.#seconds.observe({ result, payload }, seconds)
    this.#rpmBytes.inc({ result, payload }, rpmBytes)
    this.#tarBytes.inc({ payload }, tarBytes)
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.registry] })
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }
}
