import { randomUUID } from 'node:crypto'
import { join } from 'node:path'

/** CACHE_DIR: everything is renamed between these three, so they are one mount. */
export interface CacheLayout {
  /** <owner>.<unique>/ of conversions under way, and <owner>.owner of the processes that run them. */
  staging: string
  /** <key>/ with one TAR and its meta.json, complete. */
  tar: string
  /** What was taken out of `tar` and waits to be deleted. */
  trash: string
}

export const META_FILE = 'meta.json'
const KEY = /^[0-9a-f]{64}$/

export function cacheLayout(folder: string): CacheLayout {
  return { staging: join(folder, 'staging'), tar: join(folder, 'tar'), trash: join(folder, 'trash') }
}

/** Whether that is a conversion key, and so may be part of a path. */
export function isKey(text: string): boolean {
  return KEY.test(text)
}

/** A name that was never used, which still says what it was. */
export function trashName(key: string): string {
  return `${key}.${randomUUID()}`
}
