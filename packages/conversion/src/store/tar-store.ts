import { open, readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { identityOf, identityText, type StatIdentity } from '../identity.ts'
import type { TarFormat } from '../job.ts'
import type { Logger } from '../logging.ts'
import { hasCode } from './durable.ts'
import { type CacheLayout, cacheLayout, isKey } from './layout.ts'
import { type Lookup, lookUp, type StoredTar } from './lookup.ts'
import { prepareCache } from './prepare.ts'
import { moveToTrash } from './publish.ts'
import { type Space, unlimitedSpace } from './space.ts'
import { Staging } from './staging.ts'
import type { TarMeta } from './tar-meta.ts'

const REMEMBERED = 5_000

export interface TarStoreOptions {
  /** CACHE_DIR: staging, tar and trash are made in it. */
  folder: string
  /** Converters write; the API only reads. */
  writable: boolean
  logger: Logger
  /** Who grants room before a byte is written; nobody limits it by default. */
  space?: Space
  /** Names the process to those that sweep staging (see Owner). Needed to stage. */
  owner?: string
}

export interface StoreStatus {
  folder: string
  readable: boolean
  /** Share of the disk that is free for us, 0 to 1; undefined where it cannot be told. */
  freeShare: number | undefined
  /** What is wrong, in words for an operator. */
  message?: string
}

/**
 * Complete TARs by conversion key: present whole, or absent. The store is the truth about what is converted; any number
 * of processes on any number of hosts may use one folder.
 */
export class TarStore {
  readonly folder: string
  readonly writable: boolean
  readonly layout: CacheLayout
  #logger: Logger
  #space: Space
  #owner: string | undefined
  #remembered = new Map<string, { meta: TarMeta; identity: string }>()
  #uses = new Map<string, number>()

  private constructor(options: TarStoreOptions) {
    this.folder = options.folder
    this.writable = options.writable
    this.layout = cacheLayout(options.folder)
    this.#logger = options.logger
    this.#space = options.space ?? unlimitedSpace
    this.#owner = options.owner
  }

  /** A writable store makes its folders (or rejects with CacheUnusable); for a reading one they need not exist yet. */
  static async open(options: TarStoreOptions): Promise<TarStore> {
    const store = new TarStore(options)
    if (options.writable) await prepareCache(store.layout)
    return store
  }

  /** The TAR of that key, opened and its size checked. */
  async get(key: string): Promise<StoredTar | undefined> {
    const found = await this.lookup(key)
    return found.state === 'hit' ? found.tar : undefined
  }

  /**
   * What there is under that key, for a download: notes the use, for eviction. A damaged TAR goes to the trash if the
   * store is writable, and is absent then.
   */
  async lookup(key: string): Promise<Lookup> {
    const found = await this.#find(key)
    if (found.state === 'hit') this.#uses.set(key, performance.now())
    return found
  }

  /** What meta.json says, if the TAR is there; no use is noted. */
  async peek(key: string): Promise<TarMeta | undefined> {
    const found = await this.#find(key)
    if (found.state !== 'hit') return undefined
    await found.tar.close()
    return found.tar.meta
  }

  /** Whether something is there that cannot be used. */
  async isDamaged(key: string): Promise<boolean> {
    const found = await this.#find(key)
    if (found.state === 'hit') await found.tar.close()
    return found.state === 'damaged'
  }

  async #find(key: string): Promise<Lookup> {
    if (!isKey(key)) return { state: 'absent' }
    const remembered = await this.#openRemembered(key)
    if (remembered) return { state: 'hit', tar: remembered }
    const found = await lookUp(this.layout.tar, key)
    if (found.state === 'hit') await this.#remember(found.tar)
    if (found.state !== 'damaged') return found
    this.#logger.warn({ key, reason: found.reason }, 'a cached TAR is damaged')
    if (!this.writable) return found
    await this.drop(key)
    return { state: 'absent' }
  }

  /** A new TAR, to be written and published or discarded. */
  async stage(key: string, options: { format: TarFormat; estimate: number }): Promise<Staging> {
    if (!this.writable || this.#owner === undefined) throw new Error('this TAR store was opened for reading')
    return await Staging.create({ layout: this.layout, space: this.#space, owner: this.#owner, key, ...options })
  }

  /** Moves a TAR to the trash. @returns whether it was there */
  async drop(key: string): Promise<boolean> {
    this.#remembered.delete(key)
    return await moveToTrash(this.layout, key)
  }

  /** Keys of all stored TARs. */
  async keys(): Promise<string[]> {
    try {
      return (await readdir(this.layout.tar)).filter(isKey)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    }
  }

  /** Which TARs were used since the last call, and how many milliseconds ago. */
  takeUses(): Map<string, number> {
    const now = performance.now()
    const ages = new Map([...this.#uses].map(([key, at]) => [key, Math.round(now - at)]))
    this.#uses.clear()
    return ages
  }

  async status(): Promise<StoreStatus> {
    try {
      await stat(this.folder)
      await this.keys()
      const disk = await statfs(this.folder)
      return { folder: this.folder, readable: true, freeShare: disk.blocks > 0 ? disk.bavail / disk.blocks : undefined }
    } catch (error) {
      const message = `CACHE_DIR cannot be read: ${error instanceof Error ? error.message : String(error)}`
      return { folder: this.folder, readable: false, freeShare: undefined, message }
    }
  }

  /** Nothing is kept open; said for symmetry with open(). */
  async close(): Promise<void> {
    this.#remembered.clear()
  }

  async #openRemembered(key: string): Promise<StoredTar | undefined> {
    const known = this.#remembered.get(key)
    if (!known) return undefined
    const path = join(this.layout.tar, key, known.meta.file)
    try {
      const handle = await open(path, 'r')
      const identity = identityOf(await handle.stat({ bigint: true }))
      if (identityText(identity) === known.identity) {
        return { key, meta: known.meta, handle, path, close: () => handle.close() }
      }
      await handle.close()
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ESTALE')) throw error
    }
    this.#remembered.delete(key)
    return undefined
  }

  async #remember({ key, meta, handle }: StoredTar): Promise<void> {
    const identity: StatIdentity = identityOf(await handle.stat({ bigint: true }))
    if (this.#remembered.size >= REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value ?? '')
    this.#remembered.set(key, { meta, identity: identityText(identity) })
  }
}
