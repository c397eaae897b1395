import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { TarFormat } from '../job.ts'
import { QueueError } from '../queue/queue-error.ts'
import { RECIPE } from '../recipe.ts'
import { hasCode } from './durable.ts'
import { type CacheLayout, META_FILE } from './layout.ts'
import { publishFolder } from './publish.ts'
import type { Space } from './space.ts'
import type { TarFacts, TarMeta } from './tar-meta.ts'

const MIB = 1024 * 1024

export interface StagingOptions {
  layout: CacheLayout
  space: Space
  /** Names the process; see Owner. */
  owner: string
  key: string
  format: TarFormat
  /** A guess at the TAR's bytes, for the first reservation. */
  estimate: number
}

/** One TAR under way: a folder of its own in staging/ that becomes tar/<key>/ or disappears. */
export class Staging {
  readonly folder: string
  readonly file: string
  #options: StagingOptions
  #name: string
  #handle: FileHandle | undefined
  #hash = createHash('sha256')
  #written = 0
  #granted = 0

  private constructor(options: StagingOptions) {
    this.#options = options
    this.#name = `${options.owner}.${options.key.slice(0, 16)}-${randomBytes(6).toString('hex')}`
    this.folder = join(options.layout.staging, this.#name)
    this.file = `package.${options.format}`
  }

  static async create(options: StagingOptions): Promise<Staging> {
    const staging = new Staging(options)
    try {
      await mkdir(staging.folder)
      staging.#handle = await open(join(staging.folder, staging.file), 'wx', 0o644)
      await staging.#reserve(MIB, Math.max(MIB, options.estimate))
    } catch (error) {
      await staging.discard()
      throw diskError(error)
    }
    return staging
  }

  get written(): number {
    return this.#written
  }

  /** Appends; the bytes count into the SHA-256. */
  async write(chunk: Uint8Array): Promise<void> {
    const handle = this.#open()
    const end = this.#written + chunk.length
    try {
      // A quarter more each time: few questions for a large TAR, little room taken in vain for a small one.
      if (end > this.#granted) await this.#reserve(end, end + Math.min(64 * MIB, Math.max(MIB, end >> 2)))
      for (let done = 0; done < chunk.length; ) {
        const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, this.#written + done)
        done += bytesWritten
      }
    } catch (error) {
      throw diskError(error)
    }
    this.#hash.update(chunk)
    this.#written = end
  }

  /** Makes it tar/<key>/, on the disk for good. The staging folder is gone afterwards. */
  async publish(facts: TarFacts): Promise<TarMeta> {
    const handle = this.#open()
    const { key, layout } = this.#options
    const meta: TarMeta = {
      key,
      recipe: RECIPE,
      file: this.file,
      size: this.#written,
      sha256: this.#hash.digest('hex'),
      ...facts,
      createdBy: `${hostname()}:${process.pid}`,
      createdAt: new Date().toISOString(),
    }
    try {
      await handle.truncate(this.#written)
      await handle.sync()
      await this.#close()
      await writeFile(join(this.folder, META_FILE), `${JSON.stringify(meta, null, 2)}\n`, { flush: true, mode: 0o644 })
      return await publishFolder(layout, this.folder, meta)
    } catch (error) {
      throw diskError(error)
    } finally {
      await this.discard()
    }
  }

  /** Deletes what was written. Harmless when there is nothing left. */
  async discard(): Promise<void> {
    await this.#close()
    await rm(this.folder, { recursive: true, force: true })
  }

  async #reserve(needed: number, wanted: number): Promise<void> {
    this.#granted = await this.#options.space.reserve(`${this.#name}/${this.file}`, needed, wanted)
  }

  #open(): FileHandle {
    if (this.#handle === undefined) throw new Error('this staging folder is closed')
    return this.#handle
  }

  async #close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }
}

/** A full disk gets a name that the queue and the API know; everything else stays what it is. */
function diskError(error: unknown): unknown {
  if (!hasCode(error, 'ENOSPC', 'EDQUOT')) return error
  return new QueueError('disk-full', 'The disk of CACHE_DIR is full', { cause: error })
}
