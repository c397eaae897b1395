import type { TarFormat } from '../job.ts'

/** meta.json beside a stored TAR. */
export interface TarMeta {
  key: string
  recipe: number
  /** Name of the TAR in tar/<key>/. */
  file: string
  format: TarFormat
  level: number
  size: number
  /** Of the stored bytes, hex. */
  sha256: string
  nevra: string
  name: string
  version: string
  release: string
  arch: string
  /** The RPM it was made from: path below CLIENTPKGS_DIR/rpm, and bytes. */
  source: { file: string; size: number }
  warnings: readonly { code: string; message: string; path?: string }[]
  /** How the payload was checked, and what a signature covers. */
  checked: 'none' | 'weak' | 'strong'
  signed: 'none' | 'header' | 'header+payload'
  /** host:pid of the converter, and when; not part of the TAR's bytes. */
  createdBy: string
  createdAt: string
}
