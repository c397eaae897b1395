/** Ceilings for hostile input. The defaults suit a service; rpm's own hard limits stand in the comments. */
export interface Limits {
  /** Bytes of data in the main header; rpm: 268435455. */
  headerData: number
  /** Files of one package; rpm: 1048575. */
  files: number
  /** Uncompressed archive bytes. The header's own prediction binds tighter. */
  archiveBytes: number
  /** Decompressor memory: xz and lzma dictionary, zstd window, in bytes. */
  dictionary: number
}

export const defaultLimits: Limits = {
  headerData: 64 * 1024 * 1024,
  files: 200_000,
  archiveBytes: 1024 ** 4,
  dictionary: 128 * 1024 * 1024,
}

export interface ReadOptions {
  limits?: Partial<Limits> | undefined
  /** Accept what rpm itself accepts but no sane package has: stray archive entries, trailing archive bytes, size differences. */
  lenient?: boolean | undefined
  /** Refuse symlinks whose target leaves the root when followed from their place. Absolute targets are normal and stay. */
  rejectEscapingSymlinks?: boolean | undefined
  signal?: AbortSignal | undefined
}
