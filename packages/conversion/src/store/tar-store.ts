import type { FileHandle } from 'node:fs/promises'
import type { Logger } from '../logging.ts'
import type { TarMeta } from './tar-meta.ts'

export interface TarStoreOptions {
  /** CACHE_DIR: staging, tar and trash are made in it. */
  folder: string
  /** Converters write; the API only reads. */
  writable: boolean
  logger: Logger
}

/** A stored TAR, opened. Whoever got it closes it. */
export interface StoredTar {
  readonly key: string
  readonly meta: TarMeta
  /** Positioned nowhere: read by position. */
  readonly handle: FileHandle
  /** Where it lies, for X-Accel-Redirect and logs. */
  readonly path: string
  close(): Promise<void>
}

/** What the store knows of a key. `damaged`: it is there, but not as meta.json says. */
export type Lookup = { state: 'hit'; tar: StoredTar } | { state: 'absent' } | { state: 'damaged'; reason: string }

/** Complete TARs by conversion key: present whole, or absent. */
export class TarStore {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async open(_options: TarStoreOptions): Promise<TarStore> {
    throw new Error('TarStore is being written')
  }

  /** The TAR of that key, opened and its size checked; notes the use for eviction. */
  async get(_key: string): Promise<StoredTar | undefined> {
    throw new Error('TarStore is being written')
  }

  async lookup(_key: string): Promise<Lookup> {
    throw new Error('TarStore is being written')
  }

  /** Whether CACHE_DIR can be read, and how full its disk is. */
  async status(): Promise<StoreStatus> {
    throw new Error('TarStore is being written')
  }

  async close(): Promise<void> {}
}

export interface StoreStatus {
  folder: string
  readable: boolean
  /** Share of the disk that is free, 0 to 1; undefined where it cannot be told. */
  freeShare: number | undefined
  /** What is wrong, in words for an operator. */
  message?: string
}
