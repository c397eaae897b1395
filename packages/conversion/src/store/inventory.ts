import { opendir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './durable.ts'
import { type CacheLayout, isKey } from './layout.ts'

export interface Held {
  /** Bytes of all its files. */
  bytes: number
  /** When it was made, by the clock of the file server. */
  madeMs: number
}

/** Bytes per key in tar/. Stored TARs never change, so only the list is read anew. */
export class Inventory {
  #layout: CacheLayout
  #held = new Map<string, Held>()

  constructor(layout: CacheLayout) {
    this.#layout = layout
  }

  async refresh(): Promise<ReadonlyMap<string, Held>> {
    const present = new Set((await namesIn(this.#layout.tar)).filter(isKey))
    for (const key of this.#held.keys()) if (!present.has(key)) this.#held.delete(key)
    for (const key of present) {
      if (this.#held.has(key)) continue
      const folder = join(this.#layout.tar, key)
      const sizes = await folderSizes(folder)
      if (sizes) this.#held.set(key, { bytes: sizes.apparent, madeMs: sizes.mtimeMs })
    }
    return this.#held
  }
}

export interface FolderSizes {
  /** Sum of the files' lengths: in staging, what is reserved. */
  apparent: number
  /** Sum of what the disk holds of them. */
  onDisk: number
  mtimeMs: number
}

/** undefined when the folder went away meanwhile. */
export async function folderSizes(folder: string): Promise<FolderSizes | undefined> {
  try {
    const sizes = { apparent: 0, onDisk: 0, mtimeMs: (await stat(folder)).mtimeMs }
    for await (const file of await opendir(folder)) {
      const { size, blocks } = await stat(join(folder, file.name))
      sizes.apparent += size
      sizes.onDisk += blocks * 512
    }
    return sizes
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESTALE', 'ENOTDIR')) return undefined
    throw error
  }
}

/** Names in a folder; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
