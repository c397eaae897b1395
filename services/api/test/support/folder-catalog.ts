import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { canonicalArch, identityOf, PackageFileError, sameIdentity } from '@diskful/conversion'
import type { Catalog, CatalogEntry, PackageType } from '../../src/ports.ts'

type Facts = Partial<CatalogEntry>

/** A catalog that knows what a test tells it, over real files; a file that changes is unknown until refresh(). */
export class FolderCatalog implements Catalog {
  ready: Promise<void> = Promise.resolve()
  readonly folder: string
  refreshes = 0
  hashings = 0
  errors: { file: string; code: string; message: string }[] = []
  readable = true
  #entries = new Map<string, CatalogEntry>()

  constructor(folder: string) {
    this.folder = folder
  }

  /** Writes a package file and lists it. */
  async add(type: PackageType, file: string, content: string | Uint8Array, facts: Facts = {}): Promise<CatalogEntry> {
    const path = this.path(type, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(`${path}.new`, content)
    await rename(`${path}.new`, path)
    return this.list(type, file, facts)
  }

  async list(type: PackageType, file: string, facts: Facts = {}): Promise<CatalogEntry> {
    const fileName = file.slice(file.lastIndexOf('/') + 1)
    const [, name = fileName, version = '1', release = '1', arch = 'x86_64'] =
      /^(.+)-([^-]+)-([^-]+)\.([^.]+)\.rpm$/.exec(fileName) ?? []
    const entry: CatalogEntry = {
      type,
      file,
      fileName,
      name,
      epoch: undefined,
      version,
      release,
      arch,
      isSource: false,
      identity: identityOf(await stat(this.path(type, file), { bigint: true })),
      nevra: `${name}-${version}-${release}.${arch}`,
      ...facts,
    }
    this.#entries.set(`${type}/${file}`, entry)
    return entry
  }

  path(type: PackageType, file: string): string {
    return join(this.folder, type, file)
  }

  /** Deletes the file; the catalog notices at refresh(). */
  async remove(type: PackageType, file: string): Promise<void> {
    await rm(this.path(type, file))
  }

  resolve(type: PackageType, name: string, options: { arch?: string | undefined } = {}): CatalogEntry | undefined {
    const machine = options.arch === undefined ? undefined : canonicalArch(options.arch)
    return [...this.entries(type)].find(entry => {
      const fits = [undefined, 'noarch', canonicalArch(entry.arch)]
      return (
        [entry.fileName, entry.nevra, entry.name].includes(name) && (entry.arch === 'noarch' || fits.includes(machine))
      )
    })
  }

  near(type: PackageType, name: string): string[] {
    return [...this.entries(type)].map(entry => entry.name).filter(known => known[0] === name[0])
  }

  refused(type: PackageType, name: string) {
    return this.errors.find(({ file }) => file.startsWith(`${type}/`) && file.includes(`/${name}`))
  }

  entries(type: PackageType): CatalogEntry[] {
    return [...this.#entries.values()].filter(entry => entry.type === type)
  }

  async open(entry: CatalogEntry): Promise<FileHandle> {
    const handle = await open(this.path(entry.type, entry.file), 'r')
    if (sameIdentity(identityOf(await handle.stat({ bigint: true })), entry.identity)) return handle
    await handle.close()
    throw new PackageFileError('package-changed', `${entry.file} is another one now`)
  }

  async sha256(entry: CatalogEntry): Promise<string> {
    this.hashings++
    return createHash('sha256')
      .update(await readFile(this.path(entry.type, entry.file)))
      .digest('hex')
  }

  async plan(): Promise<never> {
    throw new Error('not part of these tests')
  }

  status() {
    const counts = { rpm: this.entries('rpm').length, deb: this.entries('deb').length, tar: this.entries('tar').length }
    const { errors, folder, readable } = this
    return { folder, readable, counts, errors, errorCount: errors.length, scannedAt: new Date() }
  }

  async refresh(): Promise<void> {
    this.refreshes++
    for (const [id, entry] of this.#entries) {
      try {
        entry.identity = identityOf(await stat(this.path(entry.type, entry.file), { bigint: true }))
      } catch {
        this.#entries.delete(id)
      }
    }
  }

  async close(): Promise<void> {}
}
