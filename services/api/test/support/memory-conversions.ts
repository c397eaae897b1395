import { createHash } from 'node:crypto'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ConversionJob,
  type ConversionOutcome,
  identityOf,
  type Lookup,
  type QueueStatus,
  type StoredTar,
  type TarMeta,
} from '@diskful/conversion'
import type { ConversionQueue, NameConversion, TarSource } from '../../src/ports.ts'

export const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Names a conversion by the content of the file. */
export const contentKey: NameConversion = async (handle, { format, level }) => {
  const bytes = await readFile(handle)
  return {
    key: sha256(`${format} ${level} ${sha256(bytes)}`),
    nevra: 'test',
    identity: identityOf(await handle.stat({ bigint: true })),
  }
}

/** A store of files in a folder. */
export class MemoryStore implements TarSource {
  readonly folder: string
  readonly damaged = new Set<string>()
  readable = true
  freeShare = 0.5
  #metas = new Map<string, TarMeta>()

  constructor(folder: string) {
    this.folder = folder
  }

  async put(job: ConversionJob, content: Uint8Array): Promise<TarMeta> {
    const folder = join(this.folder, 'tar', job.key)
    await mkdir(folder, { recursive: true })
    const file = `package.${job.format}`
    await writeFile(join(folder, file), content)
    const meta = { key: job.key, file, format: job.format, size: content.length, sha256: sha256(content) } as TarMeta
    this.#metas.set(job.key, meta)
    return meta
  }

  forget(key: string): void {
    this.#metas.delete(key)
  }

  async get(key: string): Promise<StoredTar | undefined> {
    const meta = this.#metas.get(key)
    if (meta === undefined || this.damaged.has(key)) return undefined
    const path = join(this.folder, 'tar', key, meta.file)
    const handle = await open(path, 'r')
    return { key, meta, handle, path, close: () => handle.close() }
  }

  async lookup(key: string): Promise<Lookup> {
    if (this.damaged.has(key)) return { state: 'damaged', reason: 'a test said so' }
    const tar = await this.get(key)
    return tar ? { state: 'hit', tar } : { state: 'absent' }
  }

  async status() {
    return { folder: this.folder, readable: this.readable, freeShare: this.freeShare }
  }
}

/** A queue that does what a test says; by default it "converts" into the name of the job. */
export class ScriptedQueue implements ConversionQueue {
  readonly jobs: ConversionJob[] = []
  state: QueueStatus = { reachable: true, converters: 1, waiting: 0, active: 0, delayed: 0, oldestMs: 0, waiters: 0 }
  closed = false
  readonly #running = new Map<string, Promise<ConversionOutcome>>()
  work: (job: ConversionJob, options: { signal?: AbortSignal; waitMs: number }) => Promise<ConversionOutcome>

  constructor(store: MemoryStore) {
    this.work = async job => {
      store.damaged.delete(job.key)
      const { sha256, size } = await store.put(job, Buffer.from(`TAR of ${job.nevra} as ${job.format}`))
      return { status: 'published', key: job.key, sha256, size }
    }
  }

  /** One for each key at a time, as the real ones. */
  convert(job: ConversionJob, options: { signal?: AbortSignal; waitMs: number }): Promise<ConversionOutcome> {
    const running = this.#running.get(job.key)
    if (running) return running
    this.jobs.push(job)
    const outcome = this.work(job, options).finally(() => this.#running.delete(job.key))
    this.#running.set(job.key, outcome)
    return outcome
  }

  async enqueue(job: ConversionJob): Promise<void> {
    this.jobs.push(job)
  }

  async status(): Promise<QueueStatus> {
    return this.state
  }

  async close(): Promise<void> {
    this.closed = true
  }
}
