import type { FileHandle } from 'node:fs/promises'

// What the API needs of packages/conversion, by shape: tests put small ones in the seams, main.ts the real ones.

export type PackageType = 'rpm' | 'deb' | 'tar'
export type TarFormat = 'tar.gz' | 'tar.zst' | 'tar'

/** bigint stat fields as decimal text, as they travel in jobs. */
export interface StatIdentity {
  dev: string
  ino: string
  size: number
  mtimeNs: string
  ctimeNs: string
}

export interface CatalogEntry {
  type: PackageType
  /** Below CLIENTPKGS_DIR/<type>, '/' separated. */
  file: string
  fileName: string
  name: string
  epoch: number | undefined
  version: string
  release: string
  arch: string
  isSource: boolean
  identity: StatIdentity
  nevra: string
  tarFormat?: string
}

export interface CatalogStatus {
  folder: string
  readable: boolean
  counts: Record<PackageType, number>
  errors: readonly { file: string; code: string; message: string }[]
  scannedAt: unknown
}

export interface Catalog {
  readonly ready: Promise<void>
  resolve(type: PackageType, name: string, options: { arch?: string; defaultArch?: string }): CatalogEntry | undefined
  near(type: PackageType, name: string): string[]
  entries(type: PackageType): Iterable<CatalogEntry>
  open(entry: CatalogEntry): Promise<FileHandle>
  sha256(entry: CatalogEntry): Promise<string>
  status(): CatalogStatus
  refresh(): Promise<void>
  close(): Promise<void>
}

export interface TarMeta {
  key: string
  file: string
  format: TarFormat
  size: number
  sha256: string
  nevra: string
}

/** A TAR of the store, opened: whoever gets it closes the handle. */
export interface StoredTar {
  handle: FileHandle
  meta: TarMeta
}

export interface TarStore {
  get(key: string): Promise<StoredTar | undefined>
}

export interface ConversionJob {
  key: string
  file: string
  identity: StatIdentity
  nevra: string
  format: TarFormat
  level: number
  requestId: string
  priority: 'node' | 'prewarm'
}

export type ConversionOutcome =
  | { status: 'published'; key: string; sha256: string; size: number }
  | { status: 'rejected'; code: string; message: string }
  | { status: 'source-changed'; message: string }

export interface QueueStatus {
  reachable: boolean
  converters: number
  waiting: number
  active: number
  delayed: number
  evictionPolicyOk?: boolean
  message?: string
}

export interface ConversionQueue {
  convert(job: ConversionJob, options: { signal?: AbortSignal; waitMs: number }): Promise<ConversionOutcome>
  enqueue(job: ConversionJob): Promise<void>
  status(): Promise<QueueStatus>
  close(): Promise<void>
}

/** Names the content of the TAR that a package would become, without making it. */
export type ConversionKey = (
  handle: FileHandle,
  settings: { format: TarFormat; level: number },
) => Promise<{ key: string; nevra: string; identity: StatIdentity }>
