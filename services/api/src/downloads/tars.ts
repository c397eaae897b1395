import { identityOf, levelFor, type StoredTar, type TarFormat } from '@diskful/conversion'
import { BoundedMap } from '../bounded-map.ts'
import type { ApiDependencies } from '../dependencies.ts'
import type { CatalogEntry } from '../ports.ts'
import { ClientLeftError } from '../send/connection.ts'
import type { Artifact, Checksum } from './artifact.ts'
import { ConversionKeys } from './conversion-keys.ts'
import { asBrokenPackage, asProblem, notInStore, throwUnlessPublished } from './conversion-problems.ts'
import { withFreshEntry } from './fresh-entry.ts'
import { mediaTypeOf } from './media-types.ts'
import type { PackageDownloads } from './packages.ts'
import { type AskedTar, chooseTar } from './tar-choice.ts'

const REMEMBERED_SUMS = 20_000

export interface Asker {
  requestId: string
  /** Aborted when the client leaves: it stops waiting, the conversion goes on. */
  signal: AbortSignal | undefined
}

/** Somebody who waits; all tries of one request share its CONVERT_WAIT_SECONDS. */
interface Waiting extends Asker {
  /** By performance.now(). */
  until: number
}

/** `own`: an admin's TAR; `hit`: from the store; `miss`: made now. */
export type TarOrigin = 'own' | 'hit' | 'miss'

/** TARs: an admin's own, the store's, or one made now from the RPM. The store is the truth, the queue only a means. */
export class TarDownloads {
  readonly #dependencies: ApiDependencies
  readonly #packages: PackageDownloads
  readonly #keys: ConversionKeys
  /** SHA-256 of TARs by key. */
  readonly #sums = new BoundedMap<string, string>(REMEMBERED_SUMS)

  constructor(dependencies: ApiDependencies, packages: PackageDownloads) {
    this.#dependencies = dependencies
    this.#packages = packages
    this.#keys = new ConversionKeys(dependencies)
  }

  open(asked: AskedTar, asker: Asker): Promise<{ artifact: Artifact; origin: TarOrigin }> {
    const { catalog, config } = this.#dependencies
    const choose = () => chooseTar(catalog, asked, config.defaultArch)
    const waiting = this.#waiting(asker)
    return withFreshEntry(catalog, choose, async choice => {
      if ('own' in choice) return { artifact: await this.#packages.openEntry(choice.own), origin: 'own' }
      return this.#openConverted(choice.rpm, choice.format, waiting)
    })
  }

  /** Once known, the hash of a key's TAR needs no look at the store: a key names the same bytes for ever. */
  checksum(asked: AskedTar, asker: Asker): Promise<Checksum> {
    const { catalog, config } = this.#dependencies
    const choose = () => chooseTar(catalog, asked, config.defaultArch)
    const waiting = this.#waiting(asker)
    return withFreshEntry(catalog, choose, async choice => {
      if ('own' in choice) return this.#packages.checksumOf(choice.own)
      const { rpm, format } = choice
      const key = await this.#keyOf(rpm, format)
      const known = this.#sums.get(key)
      if (known !== undefined) return { fileName: tarFileName(rpm, format), sha256: known }
      const { artifact } = await this.#openConverted(rpm, format, waiting)
      await artifact.handle.close()
      this.#sums.set(key, artifact.sha256)
      return artifact
    })
  }

  async #openConverted(rpm: CatalogEntry, format: TarFormat, waiting: Waiting) {
    const { store } = this.#dependencies
    const key = await this.#keyOf(rpm, format)
    const found = await store.lookup(key)
    if (found.state === 'hit') return { artifact: await storedArtifact(found.tar, rpm), origin: 'hit' as const }
    const remake = found.state === 'damaged'
    await this.#convert(rpm, { key, format, remake }, waiting)
    const made = await store.get(key)
    if (!made) throw notInStore(rpm)
    return { artifact: await storedArtifact(made, rpm), origin: 'miss' as const }
  }

  #waiting(asker: Asker): Waiting {
    return { ...asker, until: performance.now() + this.#dependencies.config.convertWaitMs }
  }

  async #keyOf(rpm: CatalogEntry, format: TarFormat): Promise<string> {
    try {
      return await this.#keys.keyOf(rpm, format)
    } catch (error) {
      throw asBrokenPackage(error, rpm)
    }
  }

  async #convert(rpm: CatalogEntry, wanted: { key: string; format: TarFormat; remake: boolean }, waiting: Waiting) {
    const { config, metrics, queue } = this.#dependencies
    const { key, format, remake } = wanted
    const { file, identity, nevra } = rpm
    const { requestId, signal, until } = waiting
    const waitMs = Math.max(0, until - performance.now())
    const level = levelFor(format, config)
    const job = { key, file, identity, nevra, format, level, requestId, priority: 'node' as const, remake }
    const endWait = metrics.waitBegins()
    try {
      throwUnlessPublished(await queue.convert(job, { waitMs, ...(signal && { signal }) }), rpm)
    } catch (error) {
      throw signal?.aborted ? new ClientLeftError({ cause: error }) : asProblem(error)
    } finally {
      endWait()
    }
  }
}

function tarFileName({ name, version, release, arch, isSource }: CatalogEntry, format: TarFormat): string {
  return `${name}-${version}-${release}.${isSource ? 'src' : arch}.${format}`
}

async function storedArtifact({ handle, meta }: StoredTar, rpm: CatalogEntry): Promise<Artifact> {
  try {
    return {
      type: 'tar',
      handle,
      fileName: tarFileName(rpm, meta.format),
      mediaType: mediaTypeOf(meta.file),
      size: meta.size,
      sha256: meta.sha256,
      identity: identityOf(await handle.stat({ bigint: true })),
      accelPath: `cache/tar/${meta.key}/${meta.file}`,
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}
