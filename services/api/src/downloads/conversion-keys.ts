import { identityText, levelFor, sameIdentity, type TarFormat } from '@diskful/conversion'
import { BoundedMap } from '../bounded-map.ts'
import type { ApiDependencies } from '../dependencies.ts'
import { madeOnce } from '../made-once.ts'
import type { CatalogEntry } from '../ports.ts'
import { SourceChangedError } from './fresh-entry.ts'

const REMEMBERED = 20_000

/** Conversion keys of packages; each state of a file is read once, so that a hit costs no look at the RPM. */
export class ConversionKeys {
  readonly #dependencies: Pick<ApiDependencies, 'catalog' | 'config' | 'conversionKey'>
  readonly #known = new BoundedMap<string, Promise<string>>(REMEMBERED)

  constructor(dependencies: Pick<ApiDependencies, 'catalog' | 'config' | 'conversionKey'>) {
    this.#dependencies = dependencies
  }

  /** Rejects with RpmError for a broken package, `source-changed` or ENOENT where the catalog is out of date. */
  keyOf(entry: CatalogEntry, format: TarFormat): Promise<string> {
    const state = `${format} ${identityText(entry.identity)} ${entry.file}`
    return madeOnce(this.#known, state, () => this.#read(entry, format))
  }

  async #read(entry: CatalogEntry, format: TarFormat): Promise<string> {
    const { catalog, config, conversionKey } = this.#dependencies
    const handle = await catalog.open(entry)
    try {
      const { key, identity } = await conversionKey(handle, { format, level: levelFor(format, config) })
      if (!sameIdentity(identity, entry.identity))
        throw new SourceChangedError(`${entry.file} changed while it was read`)
      return key
    } finally {
      await handle.close()
    }
  }
}
