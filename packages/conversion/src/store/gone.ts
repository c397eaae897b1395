import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { identityOf, identityText } from '../identity.ts'
import { conversionKey } from '../key.ts'
import { RECIPE } from '../recipe.ts'
import { hasCode } from './durable.ts'
import { namesIn } from './inventory.ts'
import type { TarMeta } from './tar-meta.ts'
import type { TarStore } from './tar-store.ts'
import type { UsageLog } from './usage.ts'

/** Uses of TARs that are not there: of TARs that were dropped otherwise, or not made yet when somebody asked. */
const FORGOTTEN_MS = 24 * 3600 * 1000

export interface GoneTarsOptions {
  store: TarStore
  usage: UsageLog
  /** CLIENTPKGS_DIR/rpm */
  folder: string
}

/** Drops TARs whose RPM was deleted or replaced, or that an older release made, once nobody asks for them any more. */
export class GoneTars {
  #options: GoneTarsOptions
  #since = new Map<string, number>()
  #compared = new Map<string, { identity: string; gone: boolean }>()

  constructor(options: GoneTarsOptions) {
    this.#options = options
  }

  /** @returns keys dropped: those that were gone at the last call already and were not used since */
  async run(): Promise<string[]> {
    const { store, usage, folder } = this.#options
    // An empty or unreadable folder is rather a mount that is missing than an admin who deleted everything.
    if ((await namesIn(folder)).length === 0) return []
    const keys = new Set(await store.keys())
    for (const key of [...this.#since.keys(), ...this.#compared.keys()]) {
      if (!keys.has(key)) this.#forget(key)
    }
    const ages = await usage.ages()
    const dropped: string[] = []
    for (const key of keys) {
      const meta = await store.peek(key)
      if (!meta || !(await this.#isGone(meta))) {
        this.#since.delete(key)
        continue
      }
      const since = this.#since.get(key)
      const unusedFor = ages.get(key) ?? Number.POSITIVE_INFINITY
      if (since === undefined || unusedFor < performance.now() - since) this.#since.set(key, performance.now())
      else if (await store.drop(key)) dropped.push(key)
    }
    const unknown = [...ages].filter(([key, age]) => !keys.has(key) && age > FORGOTTEN_MS).map(([key]) => key)
    await usage.forget([...dropped, ...unknown])
    return dropped
  }

  async #isGone(meta: TarMeta): Promise<boolean> {
    if (meta.recipe !== RECIPE) return true
    const handle = await openIfThere(join(this.#options.folder, meta.source.file))
    if (handle === undefined) return true
    try {
      const identity = identityText(identityOf(await handle.stat({ bigint: true })))
      if (identity === meta.source.identity) return false
      const compared = this.#compared.get(meta.key)
      if (compared?.identity === identity) return compared.gone
      const gone = !(await hasKey(handle, meta))
      this.#compared.set(meta.key, { identity, gone })
      return gone
    } finally {
      await handle.close()
    }
  }

  #forget(key: string): void {
    this.#since.delete(key)
    this.#compared.delete(key)
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/** Copied or touched, the file is another one with the same content: its key tells. */
async function hasKey(handle: FileHandle, { key, format, level }: TarMeta): Promise<boolean> {
  try {
    return (await conversionKey(handle, { format, level })).key === key
  } catch (error) {
    if (error instanceof Error && error.name === 'RpmError') return false
    throw error
  }
}
