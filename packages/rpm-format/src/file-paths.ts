import { type ByteString, quoted } from './byte-string.ts'
import { RpmError } from './errors.ts'
import type { Header } from './header.ts'
import { StringColumn } from './string-column.ts'
import { Tag } from './tags.ts'

export const longestPath = 4096

/** Absolute, normalised paths of all files, in header order; joined when asked for. */
export class FilePaths {
  readonly length: number
  readonly #names: StringColumn
  /** Undefined where the names are whole paths. */
  readonly #directories: { names: StringColumn; indexes: ArrayLike<number> } | undefined
  #directoryAt = -1
  #directory: ByteString = ''

  /** Refuses indexes out of range and paths that are too long; what else is wrong with a path, `at` finds. */
  constructor(header: Header) {
    const basenames = header.column(Tag.BASENAMES)
    const oldNames = header.column(Tag.OLDFILENAMES)
    if (basenames && oldNames) {
      throw new RpmError('duplicate-tag', 'both BASENAMES and OLDFILENAMES name the files: readers would disagree')
    }
    this.#names = oldNames ?? basenames ?? new StringColumn(Buffer.alloc(0), 0, 0)
    this.length = this.#names.length
    this.#directories = basenames && this.#checkedDirectories(header)
  }

  at(k: number): ByteString {
    return normalPath(this.#directoryOf(k) + this.#names.at(k))
  }

  /** Bytes of the path as the header has it. */
  size(k: number): number {
    const { names, indexes } = this.#directories ?? {}
    return (names?.size(indexes![k]!) ?? 0) + this.#names.size(k)
  }

  /** Files with the same number lie in the same directory; undefined where that is not plain to see. */
  directory(k: number): number | undefined {
    const name = this.#names.bytes(k)
    return name.length === 0 || name.includes(slash) || (name.length === 1 && name[0] === dot)
      ? undefined
      : this.#directories?.indexes[k]
  }

  #checkedDirectories(header: Header) {
    const names = header.column(Tag.DIRNAMES) ?? new StringColumn(Buffer.alloc(0), 0, 0)
    const indexes = header.numbers(Tag.DIRINDEXES) ?? []
    if (indexes.length !== this.length) {
      throw new RpmError('array-mismatch', `DIRINDEXES has ${indexes.length} members for ${this.length} files`)
    }
    for (let k = 0; k < this.length; k++) {
      if (indexes[k]! >= names.length) {
        throw new RpmError('array-mismatch', `DIRINDEXES points to directory ${indexes[k]} of ${names.length}`)
      }
      // Before the two are joined: one long directory times many files would fill the memory.
      const size = names.size(indexes[k]!) + this.#names.size(k)
      if (size > longestPath) {
        throw new RpmError('bad-file-path', `a path of ${size} bytes; ${longestPath} are allowed`)
      }
    }
    return { names, indexes }
  }

  /** Neighbours mostly share it. */
  #directoryOf(k: number): ByteString {
    if (!this.#directories) return ''
    const { names, indexes } = this.#directories
    if (indexes[k] !== this.#directoryAt) {
      this.#directoryAt = indexes[k]!
      this.#directory = names.at(this.#directoryAt)
    }
    return this.#directory
  }
}

const slash = 0x2f
const dot = 0x2e

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
