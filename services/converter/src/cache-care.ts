import type { Logger } from '@diskful/conversion'
import {
  type CacheLayout,
  type CacheSpace,
  emptyTrash,
  type GoneTars,
  type Lease,
  LeaseUnavailable,
  type StagingSweep,
} from '@diskful/conversion/converting'
import type { ConverterMetrics } from './metrics.ts'

export interface CacheCareOptions {
  layout: CacheLayout
  space: CacheSpace
  sweep: StagingSweep
  gone: GoneTars
  lease: Lease
  metrics: ConverterMetrics
  logger: Logger
  graceMs: number
  everyMs: number
}

/** Keeps the cache tidy, at start and periodically. Of many converters one at a time. */
export class CacheCare {
  #options: CacheCareOptions
  #timer: NodeJS.Timeout
  #running: Promise<void> | undefined

  constructor(options: CacheCareOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.run(), options.everyMs).unref()
  }

  async run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }

  async #run(): Promise<void> {
    const { lease, logger } = this.#options
    try {
      await lease('care', () => this.#tidy())
    } catch (error) {
      // Another converter does it, or will.
      if (error instanceof LeaseUnavailable) logger.debug({ error }, 'the cache is looked after elsewhere')
      else logger.error({ error }, 'the cache could not be looked after')
    }
  }

  async #tidy(): Promise<void> {
    const { layout, space, sweep, gone, metrics, logger, graceMs } = this.#options
    const swept = await sweep.run()
    metrics.swept.inc(swept.length)
    if (swept.length > 0) logger.warn({ swept }, 'removed what dead converters left in staging')
    await emptyTrash(layout, graceMs)
    await space.trim()
    const dropped = await gone.run()
    metrics.dropped.inc(dropped.length)
    if (dropped.length > 0) logger.info({ keys: dropped }, 'dropped TARs whose RPMs are gone')
  }
}
