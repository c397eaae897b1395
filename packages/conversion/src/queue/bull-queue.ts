import type { Logger } from '../logging.ts'
import type { TarStore } from '../store/tar-store.ts'
import type { ConversionQueue } from './conversion-queue.ts'

export interface BullQueueOptions {
  /** REDIS_URL */
  url: string
  /** REDIS_PREFIX; 'diskful' */
  prefix?: string
  store: TarStore
  logger: Logger
  /** Requests that this process may hold; 20,000. */
  maxWaiters?: number
}

/** The queue of the distributed mode: BullMQ carries jobs, the store tells what is done. */
export function bullQueue(_options: BullQueueOptions): ConversionQueue {
  throw new Error('bullQueue is being written')
}
