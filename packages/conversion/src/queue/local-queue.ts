import type { ChildProcess } from 'node:child_process'
import type { Logger } from '../logging.ts'
import type { TarStore } from '../store/tar-store.ts'
import type { ConversionQueue } from './conversion-queue.ts'

export interface LocalQueueOptions {
  /** Starts a converter with an IPC channel (`serialization: 'json'`). Called again whenever one dies. */
  spawn: () => ChildProcess
  store: TarStore
  logger: Logger
  /** Requests that this process may hold; 20,000. */
  maxWaiters?: number
}

/** The queue of the standalone mode: this process orders the jobs, one converter process works them. */
export function localQueue(_options: LocalQueueOptions): ConversionQueue {
  throw new Error('localQueue is being written')
}
