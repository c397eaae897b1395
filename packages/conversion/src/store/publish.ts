import { mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasCode, syncFolder } from './durable.ts'
import { type CacheLayout, trashName } from './layout.ts'
import { lookUp } from './lookup.ts'
import type { TarMeta } from './tar-meta.ts'

const ATTEMPTS = 3

/**
 * Renames a finished staging folder to tar/<key>, so that the TAR is there whole or not at all.
 * @returns the meta of what is there now: another process may have published the same key first
 */
export async function publishFolder(layout: CacheLayout, staged: string, meta: TarMeta): Promise<TarMeta> {
  const target = join(layout.tar, meta.key)
  await syncFolder(staged)
  for (let attempt = 1; ; attempt++) {
    try {
      await rename(staged, target)
      await syncFolder(layout.tar)
      await syncFolder(dirname(staged))
      return meta
    } catch (error) {
      // Somebody was faster, or this rename did happen and its answer was lost on the network: both are a success.
      const present = await readable(layout, meta.key)
      if (present) return present
      if (attempt === ATTEMPTS || !hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error
      await moveToTrash(layout, meta.key)
    }
  }
}

/** Takes tar/<key> out of the store, for deletion later. @returns whether it was there */
export async function moveToTrash(layout: CacheLayout, key: string): Promise<boolean> {
  try {
    await mkdir(layout.trash, { recursive: true })
    await rename(join(layout.tar, key), join(layout.trash, trashName(key)))
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

async function readable(layout: CacheLayout, key: string): Promise<TarMeta | undefined> {
  const found = await lookUp(layout.tar, key)
  if (found.state !== 'hit') return undefined
  await found.tar.close()
  return found.tar.meta
}
