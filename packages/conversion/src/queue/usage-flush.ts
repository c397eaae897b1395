import type { Logger } from '../logging.ts'
import type { TarStore } from '../store/tar-store.ts'

const FLUSH_MS = 60_000

/** Tells once a minute which TARs this process handed out, for eviction. */
export class UsageFlush {
  #store: TarStore
  #record: (ages: ReadonlyMap<string, number>) => Promise<void>
  #logger: Logger
  #timer: NodeJS.Timeout

  constructor(store: TarStore, record: (ages: ReadonlyMap<string, number>) => Promise<void>, logger: Logger) {
    this.#store = store
    this.#record = record
    this.#logger = logger
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS).unref()
  }

  async flush(): Promise<void> {
    const ages = this.#store.takeUses()
    if (ages.size === 0) return
    try {
      await this.#record(ages)
    } catch (error) {
      // A minute of uses lost makes eviction a little less exact, and nothing else.
      this.#logger.debug({ error, tars: ages.size }, 'uses could not be recorded')
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }
}
