import type { FileHandle } from 'node:fs/promises'
import type { Catalog } from './catalog/catalog.ts'
import type { CatalogEntry } from './catalog/entry.ts'
import { type CompressionLevels, type ConversionOutcome, levelFor, type TarFormat } from './job.ts'
import { type ConversionKey, conversionKey } from './key.ts'
import type { ConversionQueue } from './queue/conversion-queue.ts'
import type { TarStore } from './store/tar-store.ts'

const AT_ONCE = 8

export interface PrewarmOptions {
  catalog: Pick<Catalog, 'open' | 'resolve'> & { entries(type: 'rpm'): Iterable<CatalogEntry> }
  queue: Pick<ConversionQueue, 'enqueue' | 'convert'>
  store: Pick<TarStore, 'peek'>
  levels: CompressionLevels
  /** Names as nodes use them; all binary packages without. */
  names?: readonly string[]
  defaultArch?: string
  format?: TarFormat
  requestId: string
  /** Wait for each conversion, for so many milliseconds; without, they are only asked for. */
  waitMs?: number
  /** Called for every package, in no particular order. */
  onPackage?: (result: PrewarmResult) => void
  signal?: AbortSignal
}

export type PrewarmResult = { name: string } & (
  | { status: 'cached' | 'queued' | 'unknown-name' }
  | { status: 'failed'; error: unknown }
  | ConversionOutcome
)

/** Asks for the TARs of packages before a node does, behind what nodes ask for. Resolves when all are asked for (or made). */
export async function prewarm(options: PrewarmOptions): Promise<void> {
  const { catalog, names, defaultArch, onPackage, signal } = options
  const wanted: [string, CatalogEntry | undefined][] = names
    ? names.map(name => [name, catalog.resolve('rpm', name, defaultArch === undefined ? {} : { defaultArch })])
    : [...catalog.entries('rpm')].filter(({ isSource }) => !isSource).map(entry => [entry.nevra, entry])
  const work = async () => {
    for (let next = wanted.shift(); next && !signal?.aborted; next = wanted.shift()) {
      const [name, entry] = next
      onPackage?.(entry ? await prewarmPackage(entry, name, options) : { name, status: 'unknown-name' })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function prewarmPackage(entry: CatalogEntry, name: string, options: PrewarmOptions): Promise<PrewarmResult> {
  const { catalog, queue, store, levels, format = 'tar.gz', requestId, waitMs, signal } = options
  try {
    const handle = await catalog.open(entry)
    const level = levelFor(format, levels)
    const { key, nevra, identity } = await keyAndClose(handle, { format, level })
    if (await store.peek(key)) return { name, status: 'cached' }
    const job = { key, file: entry.file, identity, nevra, format, level, requestId, priority: 'prewarm' as const }
    if (waitMs !== undefined) return { name, ...(await queue.convert(job, { waitMs, ...(signal && { signal }) })) }
    await queue.enqueue(job)
    return { name, status: 'queued' }
  } catch (error) {
    return { name, status: 'failed', error }
  }
}

async function keyAndClose(handle: FileHandle, settings: { format: TarFormat; level: number }): Promise<ConversionKey> {
  try {
    return await conversionKey(handle, settings)
  } finally {
    await handle.close()
  }
}
