import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { identityOf, sameIdentity } from '@diskful/conversion'
import type { ApiDependencies } from '../dependencies.ts'
import type { CatalogEntry } from '../ports.ts'
import { sharedLook } from '../shared-look.ts'
import type { Artifact, Checksum } from './artifact.ts'
import { SourceChangedError, withFreshEntry } from './fresh-entry.ts'
import { notFound, type Wanted } from './lookup-problems.ts'
import { mediaTypeOf } from './media-types.ts'

/** RPM and DEB files as they lie in the folder. */
export class PackageDownloads {
  readonly #dependencies: Pick<ApiDependencies, 'catalog' | 'config'>
  readonly #identityNow = sharedLook(async path => identityOf(await stat(path, { bigint: true })))

  constructor(dependencies: Pick<ApiDependencies, 'catalog' | 'config'>) {
    this.#dependencies = dependencies
  }

  open(wanted: Wanted): Promise<Artifact> {
    const { catalog } = this.#dependencies
    return withFreshEntry(
      catalog,
      () => this.#find(wanted),
      entry => this.openEntry(entry),
    )
  }

  checksum(wanted: Wanted): Promise<Checksum> {
    const { catalog } = this.#dependencies
    return withFreshEntry(
      catalog,
      () => this.#find(wanted),
      entry => this.checksumOf(entry),
    )
  }

  /** As openEntry(), with a stat in place of an open file. */
  async checksumOf(entry: CatalogEntry): Promise<Checksum> {
    const { catalog, config } = this.#dependencies
    const now = await this.#identityNow(join(config.clientPkgsDir, entry.type, entry.file))
    if (!sameIdentity(now, entry.identity)) throw new SourceChangedError(`${entry.file} is another file now`)
    return { fileName: entry.fileName, sha256: await catalog.sha256(entry) }
  }

  /** Rejects with `package-changed` or ENOENT where the catalog's knowledge is out of date. */
  async openEntry(entry: CatalogEntry): Promise<Artifact> {
    const { catalog } = this.#dependencies
    const handle = await catalog.open(entry)
    try {
      return {
        type: entry.type,
        handle,
        fileName: entry.fileName,
        mediaType: mediaTypeOf(entry.fileName),
        size: entry.identity.size,
        sha256: await catalog.sha256(entry),
        identity: entry.identity,
        accelPath: `packages/${entry.type}/${entry.file}`,
      }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  #find(wanted: Wanted): CatalogEntry {
    const { catalog, config } = this.#dependencies
    const options = { ...(wanted.arch === undefined ? {} : { arch: wanted.arch }), defaultArch: config.defaultArch }
    const entry =
      catalog.resolve(wanted.type, wanted.name, options) ??
      catalog.resolve(wanted.type, wanted.name.replaceAll(':', '%3a'), options) // apt's file names of DEBs with an epoch
    if (entry === undefined) throw notFound(catalog, wanted, [wanted.type])
    return entry
  }
}
