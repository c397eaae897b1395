import type { ByteReader } from './byte-reader.ts'
import { quoted } from './byte-string.ts'
import { type Content, FileContent, noContent } from './content.ts'
import {
  cpioFormat,
  magicSize,
  newcSize,
  padding,
  parseName,
  parseNewc,
  parseStripped,
  strippedSize,
  strippedTrailer,
  trailerName,
} from './cpio.ts'
import { RpmError, type Warning, warn } from './errors.ts'
import { longestPath, normalPath } from './file-paths.ts'
import { FileFlag, type FileInfo } from './files.ts'

export interface PayloadEntry {
  readonly file: FileInfo
  /** The other names of its hardlink set, in header order. */
  readonly links: readonly FileInfo[]
  /** Empty unless `file` is a regular file. */
  readonly content: Content
}

export interface ArchiveOptions {
  readonly files: readonly FileInfo[]
  /** As node:crypto names it. */
  readonly digestAlgorithm: string
  readonly lenient: boolean
  /** What to throw for an error that a consumer meets while it reads a content. */
  readonly diagnose: (error: unknown) => Promise<unknown>
  readonly warnings: Warning[]
}

/**
 * Joins the archive's entries with the header's files. The header is the authority; where the archive frames a file
 * differently the package is refused, so that no two tools can read two packages from it.
 */
export class ArchiveReader {
  readonly #reader: ByteReader
  readonly #options: ArchiveOptions
  readonly #seen: Uint8Array
  readonly #sets: ReadonlyMap<number, readonly FileInfo[]>
  #byPath: Map<string, FileInfo> | undefined
  #expected = 0
  #open: FileContent | undefined
  #padding = 0
  #ended = false

  constructor(reader: ByteReader, options: ArchiveOptions) {
    this.#reader = reader
    this.#options = options
    this.#seen = new Uint8Array(options.files.length)
    this.#sets = hardlinkSets(options.files)
  }

  /** The next file, whatever was left of the one before is skipped; undefined after the trailer, once all files were there. */
  async next(): Promise<PayloadEntry | undefined> {
    while (!this.#ended) {
      await this.#finishOpen()
      const entry = await this.#entry()
      if (entry) return entry
    }
    return undefined
  }

  /** One entry of the archive; undefined where it is no file of its own (the trailer, all but one name of a hardlink). */
  async #entry(): Promise<PayloadEntry | undefined> {
    const offset = this.#reader.position
    const magic = this.#reader.tryRead(magicSize) ?? (await this.#reader.read(magicSize, 'header of an entry'))
    return cpioFormat(magic, offset) === 'newc' ? this.#newcEntry(magic, offset) : this.#strippedEntry(magic, offset)
  }

  async #newcEntry(magic: Buffer, offset: number): Promise<PayloadEntry | undefined> {
    const { mode, size, nameSize } = parseNewc(await this.#header(magic, newcSize), offset)
    const nameLength = nameSize + padding(newcSize + nameSize)
    const nameBytes = this.#reader.tryRead(nameLength) ?? (await this.#reader.read(nameLength, 'name of an entry'))
    const name = parseName(nameBytes.subarray(0, nameSize), offset + newcSize)
    this.#checkPadding(nameBytes.subarray(nameSize), offset + newcSize + nameSize)

    if (name === trailerName) {
      if (size !== 0) throw new RpmError('malformed-cpio', 'the trailer of the archive has content', { offset })
      return this.#end()
    }
    const file = this.#find(name, offset)
    if (!file) {
      await this.#skip(size)
      return undefined
    }
    if (mode >> 12 !== modeTypes[file.type]) {
      warn(this.#options.warnings, {
        code: 'archive-type-differs',
        message: `the archive has mode ${mode.toString(8)} for ${quoted(file.path)}, a ${file.type} in the header`,
        path: file.path,
      })
    }
    return this.#join(file, size, offset)
  }

  async #strippedEntry(magic: Buffer, offset: number): Promise<PayloadEntry | undefined> {
    const { index } = parseStripped(await this.#header(magic, strippedSize), offset)
    if (index === strippedTrailer) return this.#end()
    const file = this.#options.files[index]
    if (!file) {
      throw new RpmError('file-not-in-header', `the archive has file ${index} of ${this.#options.files.length}`, {
        offset,
      })
    }
    if (file.flags & FileFlag.GHOST) {
      throw new RpmError('file-not-in-header', `the archive has ${quoted(file.path)}, a ghost that has no content`, {
        offset,
      })
    }
    return this.#join(file, this.#contentSize(file), offset)
  }

  /** `size` is the archive's word for it, or what the header implies where the archive says none. */
  async #join(file: FileInfo, size: number, offset: number): Promise<PayloadEntry | undefined> {
    if (this.#seen[file.index]) {
      throw new RpmError('repeated-file', `${quoted(file.path)} stands in the archive twice`, { offset })
    }
    this.#seen[file.index] = 1
    this.#expected = file.index + 1

    if (file.flags & FileFlag.GHOST) {
      if (size !== 0 && size !== file.size) throw this.#sizeMismatch(file, size, file.size, offset)
      warn(this.#options.warnings, {
        code: 'ghost-in-archive',
        message: `${quoted(file.path)} is a ghost but stands in the archive; it is left out`,
        path: file.path,
      })
      await this.#skip(size)
      return undefined
    }
    if (file.type === 'symlink') {
      await this.#compareTarget(file, size, offset)
      return { file, links: [], content: noContent }
    }
    const expected = this.#contentSize(file)
    const set = file.hardlinkSet === undefined ? undefined : this.#sets.get(file.hardlinkSet)!
    const isLast = !set || set.at(-1) === file
    if (size !== expected) {
      if (!isLast) {
        throw new RpmError(
          'bad-hardlink-set',
          `${quoted(file.path)} has content, which belongs to the last of its names`,
          { offset },
        )
      }
      throw this.#sizeMismatch(file, size, expected, offset)
    }
    if (!isLast) return undefined

    if (file.type !== 'file') return { file, links: [], content: noContent }
    this.#open = new FileContent({
      file,
      size,
      reader: this.#reader,
      algorithm: this.#options.digestAlgorithm,
      diagnose: this.#options.diagnose,
    })
    this.#padding = padding(size)
    return { file, links: set?.slice(0, -1) ?? [], content: this.#open }
  }

  /** All names of a hardlink but the last one, and whatever is no file or symlink, are empty in the archive. */
  #contentSize(file: FileInfo): number {
    if (file.type === 'symlink') return file.size
    if (file.type !== 'file') return 0
    if (file.hardlinkSet === undefined) return file.size
    return this.#sets.get(file.hardlinkSet)!.at(-1) === file ? file.size : 0
  }

  /**
   * The header's target counts. Content of size 0 was written by rpm before 4.6 for hardlinked symlinks, a size tag
   * of 0 by redline.
   */
  async #compareTarget(file: FileInfo, size: number, offset: number): Promise<void> {
    if (size > longestPath) {
      throw new RpmError('malformed-cpio', `a symlink target of ${size} bytes; ${longestPath} are allowed`, { offset })
    }
    if (file.linkTarget === '')
      throw new RpmError('link-mismatch', `the symlink ${quoted(file.path)} has no target in the header`, { offset })
    if (size === 0) return
    const target = file.linkTarget
    if (size !== target.length) throw this.#sizeMismatch(file, size, target.length, offset)
    const bytes = this.#reader.tryRead(size) ?? (await this.#reader.read(size, 'symlink target'))
    const stored = bytes.toString('latin1')
    await this.#skipPadding(padding(size))
    if (stored !== target) {
      throw new RpmError(
        'link-mismatch',
        `${quoted(file.path)} points to ${quoted(target)} in the header and to ${quoted(stored)} in the archive`,
        { offset },
      )
    }
  }

  #find(name: string, offset: number): FileInfo | undefined {
    const bare = name.startsWith('./') ? name.slice(1) : name
    // The archive is mostly in the header's order.
    const expected = this.#options.files[this.#expected]
    if (expected && (expected.path === bare || (!bare.startsWith('/') && expected.path === `/${bare}`))) return expected
    this.#byPath ??= new Map(this.#options.files.map(file => [file.path, file]))
    const file = this.#byPath.get(bare === '' || bare === '.' ? '/' : normalPath(bare))
    if (file) return file
    const message = `the archive has ${quoted(name)}, which the header does not list`
    if (!this.#options.lenient) throw new RpmError('file-not-in-header', message, { offset })
    warn(this.#options.warnings, { code: 'file-not-in-header', message, path: name })
    return undefined
  }

  async #finishOpen(): Promise<void> {
    await this.#open?.finish()
    this.#open = undefined
    if (this.#padding > 0) await this.#skipPadding(this.#padding)
    this.#padding = 0
  }

  async #end(): Promise<undefined> {
    this.#ended = true
    const { files, lenient, warnings } = this.#options
    const missing = files.find(file => !this.#seen[file.index] && !(file.flags & FileFlag.GHOST))
    if (missing)
      throw new RpmError('missing-file', `${quoted(missing.path)} is in the header but not in the archive`, {
        offset: this.#reader.position,
      })
    const offset = this.#reader.position
    let warned = false
    for await (const piece of this.#reader.rest()) {
      if (warned || piece.every(byte => byte === 0)) continue
      if (!lenient) throw new RpmError('trailing-data', 'something follows the end of the archive', { offset })
      warn(warnings, { code: 'trailing-data', message: 'something follows the end of the archive; it is left out' })
      warned = true
    }
    return undefined
  }

  async #header(magic: Buffer, size: number): Promise<Buffer> {
    const rest = size - magicSize
    const bytes = this.#reader.tryRead(rest) ?? (await this.#reader.read(rest, 'header of an entry'))
    return Buffer.concat([magic, bytes], size)
  }

  async #skip(size: number): Promise<void> {
    for (let left = size; left > 0; ) {
      const piece = await this.#reader.take(left)
      if (!piece) throw this.#reader.truncated('content of an entry')
      left -= piece.length
    }
    await this.#skipPadding(padding(size))
  }

  async #skipPadding(size: number): Promise<void> {
    const offset = this.#reader.position
    this.#checkPadding(this.#reader.tryRead(size) ?? (await this.#reader.read(size, 'padding of an entry')), offset)
  }

  #checkPadding(bytes: Buffer, offset: number): void {
    for (const byte of bytes) {
      if (byte !== 0) throw new RpmError('malformed-cpio', 'the padding of an entry is not zero', { offset })
    }
  }

  #sizeMismatch(file: FileInfo, size: number, expected: number, offset: number): RpmError {
    return new RpmError(
      'size-mismatch',
      `${quoted(file.path)} has ${size} bytes in the archive; the header means ${expected}`,
      { offset },
    )
  }
}

const modeTypes: Record<FileInfo['type'], number> = {
  fifo: 0o01,
  'character-device': 0o02,
  directory: 0o04,
  'block-device': 0o06,
  file: 0o10,
  symlink: 0o12,
  socket: 0o14,
}

function hardlinkSets(files: readonly FileInfo[]): Map<number, FileInfo[]> {
  const sets = new Map<number, FileInfo[]>()
  for (const file of files) {
    if (file.hardlinkSet === undefined) continue
    const members = sets.get(file.hardlinkSet)
    if (members) members.push(file)
    else sets.set(file.hardlinkSet, [file])
  }
  return sets
}

const slack = 64 * 1024

/** No archive of these files is longer than this: headers, the longest names, contents (each set's once), padding. */
export function largestArchive(files: readonly FileInfo[]): number {
  let total = slack
  for (const file of files) {
    const name = file.path.length + 8
    const first = file.hardlinkSet === undefined || file.hardlinkSet === file.index
    const size =
      file.type === 'file' && first
        ? file.size
        : file.type === 'symlink'
          ? Math.max(file.size, file.linkTarget.length)
          : 0
    total += newcSize + name + size + 8
  }
  return total
}
