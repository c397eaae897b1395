import type { FileHandle } from 'node:fs/promises'
import type { StatIdentity } from '../identity.ts'
import type { PackageType } from './entry.ts'

/**
 * - `package-gone`     no file of that name any more
 * - `package-changed`  another file, or another state of it, than the one listed
 * - `outside-folder`   the path leaves CLIENTPKGS_DIR, by `..` or through a symlink
 * - `not-readable`     the operating system refuses
 */
export type PackageFileErrorCode = 'package-gone' | 'package-changed' | 'outside-folder' | 'not-readable'

export class PackageFileError extends Error {
  override readonly name = 'PackageFileError'
  readonly code: PackageFileErrorCode

  constructor(code: PackageFileErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

export interface PackageFile {
  type: PackageType
  file: string
  identity?: StatIdentity | undefined
}

/** Opens a file below CLIENTPKGS_DIR/<type> for reading; rejects with PackageFileError. */
export async function openPackageFile(_folder: string, _wanted: PackageFile): Promise<FileHandle> {
  throw new PackageFileError('not-readable', 'openPackageFile is being written')
}
