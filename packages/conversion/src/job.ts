import type { StatIdentity } from './identity.ts'

export const TAR_FORMATS = ['tar.gz', 'tar.zst', 'tar'] as const
export type TarFormat = (typeof TAR_FORMATS)[number]

/** One RPM to be made into one TAR. Travels as JSON. */
export interface ConversionJob {
  /** Conversion key, 64 hex digits. */
  key: string
  /** Path below CLIENTPKGS_DIR/rpm, with `/` between the parts. */
  file: string
  /** The state of that file that the key was computed from. */
  identity: StatIdentity
  nevra: string
  format: TarFormat
  /** Compression level; part of the key. 0 for `tar`. */
  level: number
  /** Of the request that asked first; stands in the converter's lines. */
  requestId: string
  priority: 'node' | 'prewarm'
  /** The stored TAR is said to be damaged: check its hash before believing it. */
  remake?: boolean
}

/** A broken RPM is a result, `rejected`; a broken machine is an error instead. */
export type ConversionOutcome =
  | { status: 'published'; key: string; sha256: string; size: number }
  | { status: 'rejected'; code: string; message: string }
  | { status: 'source-changed'; message: string }

/** `rejected` codes that come from here; all others are codes of RpmError. */
export const REJECTIONS = {
  crashesConverter: 'crashes-converter',
  tooBigForCache: 'too-big-for-cache',
  outsideFolder: 'outside-folder',
} as const

/** Levels by format, from the environment. */
export interface CompressionLevels {
  gzipLevel: number
  zstdLevel: number
}

/** The level that goes into the key and the job of a TAR in that format. */
export function levelFor(format: TarFormat, levels: CompressionLevels): number {
  if (format === 'tar.gz') return levels.gzipLevel
  return format === 'tar.zst' ? levels.zstdLevel : 0
}
