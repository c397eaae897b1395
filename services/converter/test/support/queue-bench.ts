import { randomUUID } from 'node:crypto'
import {
  type BullQueueOptions,
  bullQueue,
  type ConversionQueue,
  createLogger,
  localQueue,
  TarStore,
} from '@diskful/conversion'
import { until } from '../../../../test/support/ports.ts'
import { Converters } from './converters.ts'
import { TestFolders } from './test-folders.ts'

export interface BenchSettings {
  /** Folders that the test made. */
  folders?: TestFolders
  faults?: Record<number, string>
  env?: Record<string, string>
  maxWaiters?: number
  /** Do not wait until the converters are there. */
  late?: boolean
  /** Converters to start; 1. */
  converters?: number
  bull?: Partial<BullQueueOptions>
}

/** A queue with converters behind it, and their folders: what a contract test works on. */
export class QueueBench implements AsyncDisposable {
  readonly folders: TestFolders
  readonly converters: Converters
  readonly store: TarStore
  readonly queue: ConversionQueue
  #others: ConversionQueue[] = []
  #ownFolders = true

  private constructor(store: TarStore, folders: TestFolders, converters: Converters, queue: ConversionQueue) {
    this.folders = folders
    this.store = store
    this.converters = converters
    this.queue = queue
  }

  static async local(settings: BenchSettings = {}): Promise<QueueBench> {
    const folders = settings.folders ?? new TestFolders()
    const store = await readingStore(folders)
    const converters = new Converters({ ...settings, folders })
    const queue = localQueue({
      spawn: settings.converters === 0 ? brokenSpawn(converters) : converters.spawn,
      store,
      logger,
      startMs: settings.converters === 0 ? 1_000 : 20_000,
      ...(settings.maxWaiters && { maxWaiters: settings.maxWaiters }),
    })
    const bench = new QueueBench(store, folders, converters, queue)
    bench.#ownFolders = settings.folders === undefined
    return bench
  }

  static async bull(url: string, settings: BenchSettings = {}): Promise<QueueBench> {
    const folders = new TestFolders()
    const store = await readingStore(folders)
    const prefix = `test-${randomUUID()}`
    const env = { ...settings.env, REDIS_URL: url, REDIS_PREFIX: prefix }
    const converters = new Converters({ folders, restart: true, ...settings, env })
    const wanted = settings.converters ?? 1
    for (let count = wanted; count > 0; count--) converters.start()
    const options = { url, prefix, store, logger, ...settings.bull }
    const queue = bullQueue({ ...options, ...(settings.maxWaiters && { maxWaiters: settings.maxWaiters }) })
    const bench = new QueueBench(store, folders, converters, queue)
    bench.another = async () => {
      const other = bullQueue({ ...options, store: await readingStore(folders) })
      bench.#others.push(other)
      return other
    }
    if (!settings.late) {
      const alive = async () => (await queue.status()).converters >= wanted || undefined
      await until(alive, { seconds: 60, otherwise: () => converters.log() })
    }
    return bench
  }

  /** A second API process on the same queue; only where there is Redis. */
  another = async (): Promise<ConversionQueue> => {
    throw new Error('the local queue has one process')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.queue, ...this.#others].map(queue => queue.close()))
    await this.converters.stop()
    if (this.#ownFolders) this.folders.remove()
  }
}

const logger = createLogger('test', 'silent')

async function readingStore(folders: TestFolders): Promise<TarStore> {
  return await TarStore.open({ folder: folders.cache, writable: false, logger })
}

/** Starts converters that end at once: they lack a folder to work in. */
function brokenSpawn(converters: Converters) {
  return () => {
    const child = converters.spawn()
    child.kill('SIGKILL')
    return child
  }
}
