import { constants } from 'node:fs'
import { type FileHandle, open, opendir, readlink, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { identityOf, type StatIdentity, sameIdentity } from '../identity.ts'
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
  /** Below CLIENTPKGS_DIR/<type>. */
  file: string
  /** The state that is meant; without it any state is. */
  identity?: StatIdentity | undefined
}

/** O_NONBLOCK: a FIFO that took a package's place must not hold the opener up. */
export const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opens a file below CLIENTPKGS_DIR/<type> for reading; rejects with PackageFileError. */
export async function openPackageFile(folder: string, wanted: PackageFile): Promise<FileHandle> {
  const shown = `${wanted.type}/${wanted.file}`
  if (!isPathBelow(wanted.file)) throw outside(shown)
  const path = join(folder, wanted.type, wanted.file)
  try {
    return await openInside(folder, path, wanted)
  } catch (error) {
    if (!(await isWorthAnotherTry(error, path))) throw packageFileError(error, shown)
  }
  return openInside(folder, path, wanted).catch((error: unknown) => {
    throw packageFileError(error, shown)
  })
}

/** Whether a relative path stays below where it starts, as text. */
export function isPathBelow(path: string): boolean {
  return !path.includes('\0') && path.split('/').every(part => part !== '' && part !== '.' && part !== '..')
}

export function isInside(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

async function openInside(folder: string, path: string, { type, file, identity }: PackageFile): Promise<FileHandle> {
  const shown = `${type}/${file}`
  const [root, typeRoot, real] = await Promise.all([realpath(folder), realpath(join(folder, type)), realpath(path)])
  const allowed = (at: string) => isInside(at, typeRoot) || isInside(at, root)
  if (!allowed(real)) throw outside(shown)
  const handle = await open(real, OPEN_FLAGS)
  try {
    const stats = await handle.stat({ bigint: true })
    if (!stats.isFile()) throw new PackageFileError('package-changed', `${shown} is no regular file any more`)
    if (identity && !sameIdentity(identityOf(stats), identity)) {
      throw new PackageFileError(
        'package-changed',
        `${shown} is another file, or another state of it, than the one listed`,
      )
    }
    // A folder on the way may have been exchanged for a symlink since realpath looked.
    const opened = await openedPath(handle)
    if (opened !== undefined && !allowed(opened)) throw outside(shown)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Linux tells what a descriptor has open; elsewhere, or without /proc, realpath's word stands. */
async function openedPath(handle: FileHandle): Promise<string | undefined> {
  try {
    return await readlink(`/proc/self/fd/${handle.fd}`)
  } catch {
    return undefined
  }
}

/** NFS: ENOENT may be a stale negative cache entry, which opening the parent folder clears; ESTALE goes once looked up again. */
async function isWorthAnotherTry(error: unknown, path: string): Promise<boolean> {
  const code = systemCode(error)
  if (code === 'ESTALE') return true
  if (code !== 'ENOENT') return false
  try {
    await (await opendir(dirname(path))).close()
    return true
  } catch {
    return false
  }
}

function packageFileError(error: unknown, shown: string): Error {
  if (error instanceof PackageFileError) return error
  const code = systemCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return new PackageFileError('package-gone', `${shown} is gone`, error)
  if (code === 'ELOOP') return new PackageFileError('package-changed', `${shown} has become a symlink`, error)
  return new PackageFileError('not-readable', `${shown} cannot be read: ${(error as Error).message}`, error)
}

function outside(shown: string): PackageFileError {
  return new PackageFileError('outside-folder', `${JSON.stringify(shown)} leads out of the package folder`)
}

export function systemCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}
