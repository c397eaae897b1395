import type { FileHandle } from 'node:fs/promises'
import type { PackageType, StatIdentity } from '@diskful/conversion'

/** What a line for sha256sum says. */
export interface Checksum {
  fileName: string
  /** Of the whole file, hex. */
  sha256: string
}

/** A file to be sent, opened and named by its content. Whoever holds it closes it, once. */
export interface Artifact extends Checksum {
  type: PackageType
  handle: FileHandle
  mediaType: string
  size: number
  /** The state of the file that size and sha256 belong to; the sender checks it as it reads. */
  identity: Pick<StatIdentity, 'size' | 'mtimeNs' | 'ctimeNs'>
  /** Below ACCEL_REDIRECT_PREFIX, '/' separated: `packages/rpm/…` or `cache/tar/…`. */
  accelPath: string
}
