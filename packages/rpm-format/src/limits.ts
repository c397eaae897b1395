const MiB = 1024 * 1024

/** Ceilings for hostile input. The defaults suit a service; what rpm itself allows stands beside them. */
export interface Limits {
  /** Bytes of data in the main header (rpm: 268435455). */
  headerData: number
  /** Files of one package (rpm: 1048575). */
  files: number
  /** Bytes of all their paths together (rpm: no limit): directories that many files share count for each of them. */
  pathBytes: number
  /** Bytes of one text: a description, a scriptlet, the name of a dependency (rpm: no limit). */
  text: number
  /** Dependencies of one kind, conditions of the triggers of one kind (rpm: 1048575). */
  relations: number
  /** Uncompressed archive bytes (rpm: no limit). What the header predicts binds as well. */
  archiveBytes: number
  /** Uncompressed over compressed bytes (rpm: no limit), */
  ratio: number
  /** looked at from this many uncompressed bytes on. */
  ratioFrom: number
  /** Decompressor memory: lzma dictionary, zstd window, in bytes. xz stops at 64 MiB by itself (rpm: 100 MiB). */
  dictionary: number
}

export const defaultLimits: Limits = {
  headerData: 64 * MiB,
  files: 200_000,
  pathBytes: 128 * MiB,
  text: MiB,
  relations: 200_000,
  archiveBytes: 65_536 * MiB,
  ratio: 40_000,
  ratioFrom: 1024 * MiB,
  dictionary: 128 * MiB,
}

export interface ReadOptions {
  limits?: Partial<Limits> | undefined
  /**
   * Accept, with a warning, what rpm itself accepts but no sane package has: archive entries that the header does not
   * know, bytes after the end of the archive.
   */
  lenient?: boolean | undefined
  /** Refuse symlinks whose relative target climbs above the root. Absolute targets are normal and stay. */
  rejectEscapingSymlinks?: boolean | undefined
  /**
   * Chunks and contents are good only until the next one is asked for, and then their memory is used again: less memory
   * and quicker, for who writes or compresses them at once.
   */
  reuseChunks?: boolean | undefined
  signal?: AbortSignal | undefined
}

export function limitsOf(options: ReadOptions): Limits {
  return { ...defaultLimits, ...options.limits }
}
