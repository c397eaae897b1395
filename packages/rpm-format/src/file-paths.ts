import { type ByteString, quoted } from './byte-string.ts'
import { RpmError } from './errors.ts'
import type { Header } from './header.ts'
import { Tag } from './tags.ts'

export const longestPath = 4096

/** Absolute, normalised paths of all files, in header order. */
export function filePaths(header: Header): ByteString[] {
  const basenames = header.strings(Tag.BASENAMES)
  const oldNames = header.strings(Tag.OLDFILENAMES)
  if (basenames && oldNames) {
    throw new RpmError('duplicate-tag', 'both BASENAMES and OLDFILENAMES name the files: readers would disagree')
  }
  if (oldNames) return oldNames.map(normalPath)
  if (!basenames) return []

  const directories = header.strings(Tag.DIRNAMES) ?? []
  const indexes = header.numbers(Tag.DIRINDEXES) ?? []
  if (indexes.length !== basenames.length) {
    throw new RpmError('array-mismatch', `DIRINDEXES has ${indexes.length} members for ${basenames.length} files`)
  }
  return basenames.map((basename, k) => {
    const directory = directories[indexes[k]!]
    if (directory === undefined) {
      throw new RpmError('array-mismatch', `DIRINDEXES points to directory ${indexes[k]} of ${directories.length}`)
    }
    // Before the two are joined: one long directory times many files would fill the memory.
    if (directory.length + basename.length > longestPath) {
      throw new RpmError(
        'bad-file-path',
        `a path of ${directory.length + basename.length} bytes; ${longestPath} are allowed`,
      )
    }
    return normalPath(directory + basename)
  })
}

const unclean = /\/\/|\/\.{1,2}(?:\/|$)|.\/$/

/** One leading `/`, no empty or `.` segments, no `/` at the end; refuses `..`, the empty path and overlong ones. */
export function normalPath(raw: ByteString): ByteString {
  if (raw.length > longestPath) {
    throw new RpmError('bad-file-path', `a path of ${raw.length} bytes; ${longestPath} are allowed`)
  }
  if (raw === '') throw new RpmError('bad-file-path', 'a file has an empty path')
  const path = raw.startsWith('/') ? raw : `/${raw}`
  if (path.includes('\0')) throw new RpmError('bad-file-path', `the path ${quoted(raw)} contains a NUL`)
  if (!unclean.test(path)) return path

  const segments = path.split('/').filter(segment => segment !== '' && segment !== '.')
  if (segments.includes('..')) throw new RpmError('bad-file-path', `the path ${quoted(raw)} climbs up with ..`)
  return `/${segments.join('/')}`
}

/** Does a relative target, followed from the directory of `path`, leave the root? */
export function escapesRoot(path: ByteString, target: ByteString): boolean {
  let depth = target.startsWith('/') ? 0 : path.split('/').length - 2
  for (const segment of target.split('/')) {
    if (segment === '' || segment === '.') continue
    depth += segment === '..' ? -1 : 1
    if (depth < 0) return true
  }
  return false
}
