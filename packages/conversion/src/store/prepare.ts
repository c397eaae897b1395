import { access, constants, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { CacheLayout } from './layout.ts'

/** CACHE_DIR is not what a converter can work in. Says what is wrong and what to do. */
export class CacheUnusable extends Error {
  override readonly name = 'CacheUnusable'
  readonly code = 'cache-unusable'
}

/** Makes the folders of a cache where there are none. Rejects with CacheUnusable where TARs could not be published. */
export async function prepareCache(layout: CacheLayout): Promise<void> {
  const folder = dirname(layout.tar)
  const devices = new Set<number>()
  try {
    for (const path of Object.values(layout)) {
      await mkdir(path, { recursive: true })
      await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
      devices.add((await stat(path)).dev)
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CacheUnusable(
      `CACHE_DIR=${folder} cannot be written by user ${process.getuid?.()}: ${reason}. Give the folder to that user, or set CACHE_DIR.`,
      { cause: error },
    )
  }
  if (devices.size > 1) {
    throw new CacheUnusable(
      `CACHE_DIR=${folder}: staging, tar and trash lie on different file systems. TARs are renamed between them: mount CACHE_DIR as a whole.`,
    )
  }
}
