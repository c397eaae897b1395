import { randomUUID } from 'node:crypto'
import { open, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './durable.ts'
import { folderSizes, namesIn } from './inventory.ts'
import type { CacheLayout } from './layout.ts'

// File systems on which deleting an open file breaks a reader on another host (linux/magic.h).
const NETWORK_FILE_SYSTEMS = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x00c36400, 0x0bd00bd0, 0x47504653, 0x01021997, 0x5346414f,
])

/** Whether readers on other hosts lose a file that is deleted while they read it. */
export async function onNetwork(folder: string): Promise<boolean> {
  return NETWORK_FILE_SYSTEMS.has((await statfs(folder)).type >>> 0)
}

/** Deletes what lies in trash/ for longer than `graceMs`. @returns bytes freed, and bytes that still lie there */
export async function emptyTrash(layout: CacheLayout, graceMs: number): Promise<{ freed: number; left: number }> {
  const names = await namesIn(layout.trash)
  const result = { freed: 0, left: 0 }
  if (names.length === 0) return result
  const now = await fileServerTime(layout.trash)
  for (const name of names) {
    const path = join(layout.trash, name)
    const since = await changeTime(path)
    if (since === undefined) continue
    const bytes = (await folderSizes(path))?.onDisk ?? 0
    if (now - since < graceMs) {
      result.left += bytes
      continue
    }
    await rm(path, { recursive: true, force: true })
    result.freed += bytes
  }
  return result
}

/** Moving into the trash is a change, so ctime is the time of that. */
async function changeTime(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ctimeMs
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Milliseconds since 1970 by the clock that stamps the files: a new file tells it. */
async function fileServerTime(folder: string): Promise<number> {
  const path = join(folder, `.clock-${randomUUID()}`)
  const handle = await open(path, 'wx')
  try {
    return (await handle.stat()).mtimeMs
  } finally {
    await handle.close()
    await rm(path, { force: true })
  }
}
