import type { FileHandle } from 'node:fs/promises'
import type { Logger } from '../logging.ts'
import type { Plan, PlanRequest } from '../plan/types.ts'
import type { CatalogEntry, PackageType } from './entry.ts'

export interface CatalogOptions {
  /** CLIENTPKGS_DIR. */
  folder: string
  /** Where the index and file hashes are kept between starts; without it they live in memory only. */
  stateFolder?: string | undefined
  logger: Logger
  /** A file is listed once two stats this far apart were equal. */
  settleMs?: number | undefined
  /** How often everything is looked at, for what neither fs.watch nor the folders' own times tell. */
  rescanMs?: number | undefined
}

export interface CatalogError {
  /** Path below CLIENTPKGS_DIR. */
  file: string
  code: string
  message: string
}

export interface CatalogStatus {
  folder: string
  /** Whether CLIENTPKGS_DIR could be listed. An absent folder is a normal state. */
  readable: boolean
  counts: Record<PackageType, number>
  /** At most 1,000. */
  errors: CatalogError[]
  errorCount: number
  scannedAt: Date | undefined
}

export interface ResolveOptions {
  arch?: string | undefined
  defaultArch?: string | undefined
}

export class Catalog {
  /** Settles when everything that lay in the folders at the start is listed. */
  readonly ready: Promise<void> = Promise.resolve()

  static async open(_options: CatalogOptions): Promise<Catalog> {
    throw new Error('the catalog is being written')
  }

  /** By file name, NEVRA, NVR or name (the newest); undefined where nothing fits. */
  resolve(_type: PackageType, _name: string, _options: ResolveOptions = {}): CatalogEntry | undefined {
    return undefined
  }

  /** Up to 5 names that were perhaps meant. */
  near(_type: PackageType, _name: string): string[] {
    return []
  }

  entries(_type: PackageType): Iterable<CatalogEntry> {
    return []
  }

  /** Rejects with PackageFileError; never opens anything outside the folder or another state than the listed one. */
  async open(_entry: CatalogEntry): Promise<FileHandle> {
    throw new Error('the catalog is being written')
  }

  /** Lowercase hex; hashed once for each state of the file. */
  async sha256(_entry: CatalogEntry): Promise<string> {
    throw new Error('the catalog is being written')
  }

  async plan(_request: PlanRequest): Promise<Plan> {
    throw new Error('the catalog is being written')
  }

  status(): CatalogStatus {
    throw new Error('the catalog is being written')
  }

  /** Looks at everything again; what settled by then is listed when it settles. */
  async refresh(): Promise<void> {}

  async close(): Promise<void> {}
}
