import type { FileHandle } from 'node:fs/promises'
import type { PackageType, StatIdentity } from '@diskful/conversion'

/** A file to be sent, opened and named by its content. Whoever holds it closes it, once. */
export interface Artifact {
  type: PackageType
  handle: FileHandle
  fileName: string
  mediaType: string
  size: number
  /** Of the whole file, hex. */
  sha256: string
  /** The state of the file that size and sha256 belong to; the sender checks it as it reads. */
  identity: Pick<StatIdentity, 'size' | 'mtimeNs' | 'ctimeNs'>
  /** Below ACCEL_REDIRECT_PREFIX, '/' separated: `packages/rpm/…` or `cache/tar/…`. */
  accelPath: string
}
