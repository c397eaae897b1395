import type { FileHandle } from 'node:fs/promises'
import { identityText } from '../identity.ts'
import type { Logger } from '../logging.ts'
import { planFromCatalog } from '../plan/plan-from-catalog.ts'
import type { Plan, PlanRequest } from '../plan/types.ts'
import { type CatalogEntry, keyOf, type PackageType } from './entry.ts'
import type { Problem } from './folder-tree.ts'
import { Hasher } from './hasher.ts'
import { InventoryLink } from './inventory-link.ts'
import type { Change, Report } from './messages.ts'
import { NameIndex, type ResolveOptions } from './name-index.ts'
import { nearNames } from './near.ts'
import { openPackageFile, PackageFileError } from './package-file.ts'

export type { ResolveOptions } from './name-index.ts'

export interface CatalogOptions {
  /** CLIENTPKGS_DIR. */
  folder: string
  /** Where the index and file hashes are kept between starts; without it they live in memory only. One for each process. */
  stateFolder?: string | undefined
  logger: Logger
  /** A file is listed once two stats this far apart were equal; 1,000 by default. */
  settleMs?: number | undefined
  /** How often every file is looked at, for what neither fs.watch nor the folders' own times tell; 60,000 by default. */
  rescanMs?: number | undefined
  /** Heap of the thread that reads packages, in MiB; 1,024 by default. */
  readerMemoryMb?: number | undefined
}

export interface CatalogError {
  /** Path below CLIENTPKGS_DIR. */
  file: string
  code: string
  message: string
}

export interface CatalogStatus {
  folder: string
  /** Whether CLIENTPKGS_DIR could be listed at the last scan. An absent folder is a normal state. */
  readable: boolean
  counts: Record<PackageType, number>
  /** The first 1,000 by path. */
  errors: CatalogError[]
  errorCount: number
  scannedAt: Date | undefined
}

const MOST_ERRORS = 1000
const MOST_LOGGED = 20
const CONCURRENCY = 4

/**
 * The packages below CLIENTPKGS_DIR/{rpm,deb,tar} and what they are called. A thread of its own looks after the
 * folders; here is only what answers, so nothing here waits for a disk but open() and sha256().
 */
export class Catalog {
  /** Settles when everything that lay in the folders at the start is listed. */
  readonly ready: Promise<void>
  readonly #folder: string
  readonly #logger: Logger
  readonly #entries = new Map<string, CatalogEntry>()
  readonly #indexes: Readonly<Record<PackageType, NameIndex>> = {
    rpm: new NameIndex('rpm'),
    deb: new NameIndex('deb'),
    tar: new NameIndex('tar'),
  }
  readonly #problems = new Map<string, Problem>()
  readonly #hashes = new Map<string, { identity: string; sha256: Promise<string> }>()
  readonly #counts: Record<PackageType, number> = { rpm: 0, deb: 0, tar: 0 }
  readonly #hasher = new Hasher()
  readonly #link: InventoryLink
  readonly #plans = new Map<string, Promise<Plan>>()
  #readable = false
  #scannedAt: Date | undefined
  #becomeReady: () => void = () => undefined
  #isReady = false

  static async open(options: CatalogOptions): Promise<Catalog> {
    return new Catalog(options)
  }

  private constructor(options: CatalogOptions) {
    const { folder, stateFolder, logger, settleMs = 1000, rescanMs = 60_000, readerMemoryMb = 1024 } = options
    this.#folder = folder
    this.#logger = logger
    this.ready = new Promise(resolve => {
      this.#becomeReady = resolve
    })
    this.#link = new InventoryLink({
      settings: { folder, stateFolder, settleMs, rescanMs, concurrency: CONCURRENCY },
      memoryMb: readerMemoryMb,
      logger,
      onReport: report => this.#reported(report),
    })
  }

  /** By file name, NEVRA, NVR or name (the newest); undefined where nothing fits. */
  resolve(type: PackageType, name: string, options: ResolveOptions = {}): CatalogEntry | undefined {
    return this.#indexes[type].resolve(name, options)
  }

  /** Up to 5 names that were perhaps meant. */
  near(type: PackageType, name: string): string[] {
    return nearNames(this.#indexes[type], name)
  }

  /** Why a file is not listed that goes by that name: its file name, with or without the suffix, or the name in it. */
  refused(type: PackageType, name: string): CatalogError | undefined {
    for (const [file, problem] of this.#problems) {
      if (file.startsWith(`${type}/`) && fileNamesOf(file).includes(name)) return { file, ...problem }
    }
    return undefined
  }

  *entries(type: PackageType): Generator<CatalogEntry, void, undefined> {
    for (const entry of this.#entries.values()) if (entry.type === type) yield entry
  }

  /** Rejects with PackageFileError; never opens anything outside the folder or another state than the listed one. */
  async open(entry: CatalogEntry): Promise<FileHandle> {
    try {
      return await openPackageFile(this.#folder, entry)
    } catch (error) {
      if (error instanceof PackageFileError) this.#link.tell({ kind: 'recheck', key: keyOf(entry) })
      throw error
    }
  }

  /** Lowercase hex; hashed once for each state of the file. Rejects with PackageFileError. */
  sha256(entry: CatalogEntry): Promise<string> {
    const key = keyOf(entry)
    const identity = identityText(entry.identity)
    const known = this.#hashes.get(key)
    if (known?.identity === identity) return known.sha256
    const sha256 = this.#hash(entry)
    this.#hashes.set(key, { identity, sha256 })
    sha256.catch(() => {
      if (this.#hashes.get(key)?.sha256 === sha256) this.#hashes.delete(key)
    })
    return sha256
  }

  /** What a node has to install; the same question is worked out once as long as the packages are the same. */
  plan(request: PlanRequest): Promise<Plan> {
    const question = JSON.stringify([request.type, request.packages, request.arch, request.defaultArch])
    const known = this.#plans.get(question)
    if (known) return known
    const plan = planFromCatalog(this, request, async asked => {
      const planned = await this.#link.ask({ kind: 'plan', question: asked })
      return planned ?? { packages: [], unresolved: [] }
    })
    if (this.#plans.size >= 1000) this.#plans.clear()
    this.#plans.set(question, plan)
    plan.catch(() => this.#plans.delete(question))
    return plan
  }

  status(): CatalogStatus {
    const files = [...this.#problems.keys()].sort().slice(0, MOST_ERRORS)
    return {
      folder: this.#folder,
      readable: this.#readable,
      counts: { ...this.#counts },
      errors: files.map(file => ({ file, ...this.#problems.get(file)! })),
      errorCount: this.#problems.size,
      scannedAt: this.#scannedAt,
    }
  }

  /** Resolves when everything that lies there now is listed, or found to be no package, or found to be changing still. */
  async refresh(): Promise<void> {
    await this.#link.ask({ kind: 'refresh' })
  }

  async close(): Promise<void> {
    await Promise.all([this.#link.close(), this.#hasher.close()])
    this.#becomeReady()
  }

  async #hash(entry: CatalogEntry): Promise<string> {
    const { identity } = entry
    const sha256 = await this.#hasher.sha256(await this.open(entry), identity)
    this.#link.tell({ kind: 'hashed', key: keyOf(entry), identity, sha256 })
    return sha256
  }

  #reported(report: Report): void {
    switch (report.kind) {
      case 'changes':
        this.#apply(report.changes)
        break
      case 'scanned':
        this.#readable = report.readable
        this.#scannedAt = new Date(report.at)
        break
      case 'ready':
        this.#nowReady()
        break
      case 'log':
        this.#logger[report.level](report.facts, report.message)
    }
  }

  #nowReady(): void {
    this.#becomeReady()
    if (this.#isReady) return
    this.#isReady = true
    const facts = { folder: this.#folder, ...this.#counts, errors: this.#problems.size }
    if (this.#entries.size > 0) this.#logger.info(facts, 'the packages are listed')
    else if (this.#readable) this.#logger.info(facts, 'no packages yet')
    else this.#logger.warn(facts, 'the package folder is absent or cannot be listed')
  }

  #apply(changes: readonly Change[]): void {
    const found: CatalogError[] = []
    for (const change of changes) {
      if ('entry' in change) this.#list(change.entry, change.sha256)
      else if ('unlisted' in change) this.#unlist(change.unlisted)
      else if (change.problem) found.push({ file: change.key, ...change.problem })
      if ('key' in change) this.#noteProblem(change.key, change.problem)
    }
    this.#plans.clear()
    for (const facts of found.slice(0, MOST_LOGGED)) this.#logger.warn(facts, 'a file is not listed')
    if (found.length > MOST_LOGGED) this.#logger.warn({ more: found.length - MOST_LOGGED }, 'more files are not listed')
  }

  #list(entry: CatalogEntry, sha256: string | undefined): void {
    const key = keyOf(entry)
    this.#unlist(key)
    this.#entries.set(key, entry)
    this.#indexes[entry.type].add(entry)
    this.#counts[entry.type]++
    if (sha256 !== undefined) {
      this.#hashes.set(key, { identity: identityText(entry.identity), sha256: Promise.resolve(sha256) })
    }
    if (this.#isReady) this.#logger.info({ file: key, nevra: entry.nevra }, 'a package is listed')
  }

  #unlist(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#indexes[entry.type].remove(entry)
    this.#counts[entry.type]--
  }

  #noteProblem(key: string, problem: Problem | undefined): void {
    if (problem) this.#problems.set(key, problem)
    else this.#problems.delete(key)
  }
}

/** `foo-1.0-1.noarch.rpm` → itself, `foo-1.0-1.noarch` and `foo`. */
function fileNamesOf(file: string): string[] {
  const fileName = file.slice(file.lastIndexOf('/') + 1)
  const stem = fileName.replace(/\.(rpm|deb|tar(\.\w+)?|tgz)$/, '')
  const name = /^(.+?)(-[^-]+-[^-]+|_[^_]+_[^_]+)$/.exec(stem)?.[1]
  return name === undefined ? [fileName, stem] : [fileName, stem, name]
}
