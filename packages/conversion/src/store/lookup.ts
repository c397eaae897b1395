import { type FileHandle, open, opendir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './durable.ts'
import { META_FILE } from './layout.ts'
import { parseMeta, type TarMeta } from './tar-meta.ts'

/** A stored TAR, opened. Whoever got it closes it. */
export interface StoredTar {
  readonly key: string
  readonly meta: TarMeta
  /** To be read by position. */
  readonly handle: FileHandle
  /** Where it lies, for X-Accel-Redirect and logs. */
  readonly path: string
  close(): Promise<void>
}

/** What the store has of a key. `damaged`: something is there, but not what meta.json says. */
export type Lookup = { state: 'hit'; tar: StoredTar } | { state: 'absent' } | { state: 'damaged'; reason: string }

const LOOKS = 3

/** Opens tar/<key>; `folder` is the folder `tar`. */
export async function lookUp(folder: string, key: string): Promise<Lookup> {
  let found = await lookOnce(folder, key)
  // Between two looks at one folder it may have been exchanged: only what stays damaged is.
  for (let look = 1; look < LOOKS && found.state === 'damaged'; look++) found = await lookOnce(folder, key)
  return found
}

async function lookOnce(folder: string, key: string): Promise<Lookup> {
  const found = await attempt(folder, key)
  if (found !== 'stale' && found.state !== 'absent') return found
  // An NFS client may remember an absence or a file that is gone; opening the parent makes it ask the server.
  if (!(await revalidate(folder))) return { state: 'absent' }
  const again = await attempt(folder, key)
  return again === 'stale' ? { state: 'absent' } : again
}

async function attempt(folder: string, key: string): Promise<Lookup | 'stale'> {
  const home = join(folder, key)
  try {
    const meta = await readMeta(home, key)
    return typeof meta === 'string' ? await absentOrDamaged(home, meta) : await openTar(home, meta)
  } catch (error) {
    if (hasCode(error, 'ESTALE')) return 'stale'
    throw error
  }
}

async function readMeta(home: string, key: string): Promise<TarMeta | string> {
  try {
    return parseMeta(await readFile(join(home, META_FILE), 'utf8'), key)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return `${META_FILE} is missing`
    if (error instanceof Error && !('syscall' in error)) return `${META_FILE} is unusable: ${error.message}`
    throw error
  }
}

async function openTar(home: string, meta: TarMeta): Promise<Lookup> {
  const path = join(home, meta.file)
  let handle: FileHandle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return await absentOrDamaged(home, `${meta.file} is missing`)
    throw error
  }
  try {
    const { size } = await handle.stat()
    if (size === meta.size)
      return { state: 'hit', tar: { key: meta.key, meta, handle, path, close: () => handle.close() } }
    await handle.close()
    return { state: 'damaged', reason: `${meta.file} has ${size} bytes, not ${meta.size}` }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Something was missing: either all of it, evicted meanwhile perhaps, or only a part. */
async function absentOrDamaged(home: string, reason: string): Promise<Lookup> {
  try {
    await stat(home)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { state: 'absent' }
    throw error
  }
  return { state: 'damaged', reason }
}

async function revalidate(folder: string): Promise<boolean> {
  try {
    await (await opendir(folder)).close()
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}
