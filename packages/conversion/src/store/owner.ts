import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, readFile, readlink, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { hasCode } from './durable.ts'
import type { CacheLayout } from './layout.ts'

const BEAT_MS = 10_000

/** Where a process runs, so that others in the same place can ask whether it still does. */
interface Place {
  host: string
  boot: string
  pidNamespace: string
  pid: number
  startTime: string
}

/**
 * A process that writes into staging/. Its file staging/<id>.owner says who it is and is touched every ten seconds, by
 * the file server's clock: others compare two sights of it and never two clocks.
 */
export class Owner {
  readonly id = randomUUID()
  #path: string
  #handle: FileHandle | undefined
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> = Promise.resolve()

  private constructor(layout: CacheLayout) {
    this.#path = ownerFile(layout, this.id)
  }

  static async start(layout: CacheLayout, onError: (error: unknown) => void, beatMs = BEAT_MS): Promise<Owner> {
    const owner = new Owner(layout)
    await mkdir(layout.staging, { recursive: true })
    owner.#handle = await open(owner.#path, 'wx', 0o644)
    // On a full disk the file stays empty; it is there and its beats count, which is enough.
    await owner.#handle.write(JSON.stringify(await thisPlace())).catch(onError)
    owner.#timer = setInterval(() => {
      owner.#beating = owner.#beat().catch(onError)
    }, beatMs).unref()
    return owner
  }

  /** Says that nothing of this process is left in staging/. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating
    await this.#handle?.close()
    this.#handle = undefined
    await rm(this.#path, { force: true })
  }

  async #beat(): Promise<void> {
    // The first byte again: a write takes the server's time, utimes would take ours.
    await this.#handle?.write('{', 0)
  }
}

export function ownerFile(layout: CacheLayout, id: string): string {
  return join(layout.staging, `${id}.owner`)
}

/** `gone` and `alive` where this process can know for sure; else the time of the last beat, as text to compare. */
export async function ownerState(layout: CacheLayout, id: string): Promise<'gone' | 'alive' | { beat: string }> {
  const handle = await openOwner(layout, id)
  if (handle === undefined) return { beat: 'none' }
  try {
    // Opening makes an NFS client fetch fresh attributes; a stat alone may be a minute old.
    const { mtimeNs } = await handle.stat({ bigint: true })
    const place = parsePlace(await handle.readFile('utf8'))
    const here = await thisPlace()
    const neighbour =
      place?.host === here.host &&
      place.boot === here.boot &&
      place.pidNamespace === here.pidNamespace &&
      here.boot !== ''
    if (!neighbour) return { beat: String(mtimeNs) }
    return (await startTimeOf(place.pid)) === place.startTime ? 'alive' : 'gone'
  } finally {
    await handle.close()
  }
}

async function openOwner(layout: CacheLayout, id: string): Promise<FileHandle | undefined> {
  try {
    return await open(ownerFile(layout, id), 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function parsePlace(text: string): Place | undefined {
  try {
    return JSON.parse(text) as Place
  } catch {
    // Written half by a process that died then, or on a full disk: only its beat counts.
    return undefined
  }
}

async function thisPlace(): Promise<Place> {
  return {
    host: hostname(),
    boot: await textOf(() => readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
    pidNamespace: await textOf(() => readlink('/proc/self/ns/pid')),
    pid: process.pid,
    startTime: (await startTimeOf(process.pid)) ?? '',
  }
}

/** Field 22 of /proc/<pid>/stat; the name before it may hold spaces and parentheses. A zombie does not run. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const text = await textOf(() => readFile(`/proc/${pid}/stat`, 'utf8'))
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

async function textOf(read: () => Promise<string>): Promise<string> {
  try {
    return (await read()).trim()
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ESRCH', 'EPERM')) return ''
    throw error
  }
}
