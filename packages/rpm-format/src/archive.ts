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
import { FileFlag, type FileInfo, FileList, type FileTable } from './files.ts'

export interface PayloadEntry {
  readonly file: FileInfo
  /** The other names of its hardlink set, in header order. */
  readonly links: FileList
  /** Empty unless `file` is a regular file. */
  readonly content: Content
}

export interface ArchiveOptions {
  readonly files: FileTable
  readonly lenient: boolean
  /** What to throw for an error that a consumer meets while it reads a content. */
  readonly diagnose: (error: unknown) => Promise<unknown>
  readonly warnings: Warning[]
}

const noLinks = new FileList()

/** More of them at once would outlive the garbage collector's young generation and make it grow. */
const largestBatch = 32

/** Bytes that have to be there before the next entry can be told. */
interface Demand {
  readonly length: number
  readonly what: string
}

/**
 * Joins the archive's entries with the header's files. The header is the authority; where the archive frames a file
 * differently the package is refused, so that no two tools can read two packages from it.
 */
export class ArchiveReader {
  readonly #reader: ByteReader
  readonly #options: ArchiveOptions
  readonly #seen: Uint8Array
  #expected = 0
  /** Contents of the last batch. */
  #contents: FileContent[] = []
  /** Bytes of a content, and of padding, that follow it in the archive without lying in memory. */
  #behind: { skipped: number; padding: number } | undefined
  #failure: { error: unknown } | undefined
  #state: 'entries' | 'trailer' | 'ended' = 'entries'

  constructor(reader: ByteReader, options: ArchiveOptions) {
    this.#reader = reader
    this.#options = options
    this.#seen = new Uint8Array(options.files.length)
  }

  /**
   * The next files: as many as lie in memory, whole but for the content of the last. Whatever was left of the ones before
   * is skipped. Empty after the trailer, once all files were there.
   */
  async batch(): Promise<readonly PayloadEntry[]> {
    await this.#finish()
    const batch: PayloadEntry[] = []
    while (this.#state === 'entries' && batch.length === 0) {
      const demand = this.#fill(batch)
      if (batch.length > 0) break
      if (this.#failure) throw this.#failure.error
      if (this.#behind) await this.#finish()
      else if (demand) await this.#reader.demand(demand.length, demand.what)
    }
    if (batch.length === 0 && this.#state === 'trailer') await this.#end()
    return batch
  }

  /** Entries until something has to be waited for; a failure waits until those before it were read. */
  #fill(batch: PayloadEntry[]): Demand | undefined {
    try {
      while (this.#state === 'entries' && !this.#behind && batch.length < largestBatch) {
        const demand = this.#entry(batch)
        if (demand) return demand
      }
    } catch (error) {
      this.#failure = { error }
    }
    return undefined
  }

  /** One entry of the archive, which joins the batch if it is a file of its own (not the trailer, not all but one name of a hardlink). */
  #entry(batch: PayloadEntry[]): Demand | undefined {
    const offset = this.#reader.position
    const header = this.#reader.tryPeek(newcSize) ?? this.#reader.tryPeek(magicSize)
    if (!header) return { length: magicSize, what: 'header of an entry' }
    if (cpioFormat(header, offset) === 'stripped') return this.#strippedEntry(batch, offset)
    return this.#newcEntry(batch, header, offset)
  }

  #newcEntry(batch: PayloadEntry[], header: Buffer, offset: number): Demand | undefined {
    if (header.length < newcSize) return { length: newcSize, what: 'header of an entry' }
    const { mode, size, nameSize } = parseNewc(header, offset)
    const length = newcSize + nameSize + padding(newcSize + nameSize)
    const bytes = this.#reader.tryPeek(length)
    if (!bytes) return { length, what: 'name of an entry' }
    const name = parseName(bytes.subarray(newcSize, newcSize + nameSize), offset + newcSize)
    this.#checkPadding(bytes, newcSize + nameSize, offset)

    if (name === trailerName) {
      if (size !== 0) throw new RpmError('malformed-cpio', 'the trailer of the archive has content', { offset })
      this.#reader.skip(length)
      this.#state = 'trailer'
      return undefined
    }
    const file = this.#find(name, offset)
    if (!file) {
      this.#reader.skip(length)
      this.#skip(size)
      return undefined
    }
    const demand = this.#missingTarget(file, length, size)
    if (demand) return demand
    this.#reader.skip(length)
    if (mode >> 12 !== modeTypes[file.type]) {
      warn(this.#options.warnings, {
        code: 'archive-type-differs',
        message: `the archive has mode ${mode.toString(8)} for ${quoted(file.path)}, a ${file.type} in the header`,
        path: file.path,
      })
    }
    this.#join(batch, file, size, offset)
    return undefined
  }

  #strippedEntry(batch: PayloadEntry[], offset: number): Demand | undefined {
    const header = this.#reader.tryPeek(strippedSize)
    if (!header) return { length: strippedSize, what: 'header of an entry' }
    const { index } = parseStripped(header, offset)
    if (index === strippedTrailer) {
      this.#reader.skip(strippedSize)
      this.#state = 'trailer'
      return undefined
    }
    const file = this.#options.files.at(index)
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
    const size = this.#contentSize(file)
    const demand = this.#missingTarget(file, strippedSize, size)
    if (demand) return demand
    this.#reader.skip(strippedSize)
    this.#join(batch, file, size, offset)
    return undefined
  }

  /** A symlink is told with its target or not at all. */
  #missingTarget(file: FileInfo, header: number, size: number): Demand | undefined {
    const length = header + size + padding(size)
    if (file.type !== 'symlink' || size > longestPath || this.#reader.available >= length) return undefined
    return { length, what: 'symlink target' }
  }

  /** `size` is the archive's word for it, or what the header implies where the archive says none. */
  #join(batch: PayloadEntry[], file: FileInfo, size: number, offset: number): void {
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
      this.#skip(size)
      return
    }
    if (file.type === 'symlink') {
      this.#compareTarget(file, size, offset)
      batch.push({ file, links: noLinks, content: noContent })
      return
    }
    const expected = this.#contentSize(file)
    const isLast = this.#isLast(file)
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
    if (!isLast) return

    const content = file.type === 'file' ? this.#content(file, size) : noContent
    batch.push({ file, links: this.#linksOf(file), content })
    this.#leavePadding(size)
  }

  #linksOf({ index }: FileInfo): FileList {
    const { files } = this.#options
    if (files.links.first(index) === undefined) return noLinks
    return new FileList(files, files.links.members(index).slice(0, -1))
  }

  #content(file: FileInfo, size: number): FileContent {
    const content = new FileContent({
      file,
      size,
      piece: this.#reader.tryRead(size),
      reader: this.#reader,
      algorithm: this.#options.files.digestAlgorithm.name,
      diagnose: this.#options.diagnose,
    })
    if (!content.inMemory) this.#behind = { skipped: 0, padding: padding(size) }
    this.#contents.push(content)
    return content
  }

  /** Once the content is read, or now where it has been. */
  #leavePadding(size: number): void {
    if (this.#behind || size === 0) return
    const length = padding(size)
    if (this.#reader.available < length) this.#behind = { skipped: 0, padding: length }
    else this.#readPadding(length)
  }

  /** All names of a hardlink but the last one, and whatever is no file or symlink, are empty in the archive. */
  #contentSize(file: FileInfo): number {
    if (file.type === 'symlink') return file.size
    if (file.type !== 'file') return 0
    return this.#isLast(file) ? file.size : 0
  }

  #isLast({ index }: FileInfo): boolean {
    return this.#options.files.links.last(index) === index
  }

  /**
   * The header's target counts. Content of size 0 was written by rpm before 4.6 for hardlinked symlinks, a size tag
   * of 0 by redline.
   */
  #compareTarget(file: FileInfo, size: number, offset: number): void {
    if (size > longestPath) {
      throw new RpmError('malformed-cpio', `a symlink target of ${size} bytes; ${longestPath} are allowed`, { offset })
    }
    if (file.linkTarget === '')
      throw new RpmError('link-mismatch', `the symlink ${quoted(file.path)} has no target in the header`, { offset })
    if (size === 0) return
    const target = file.linkTarget
    if (size !== target.length) throw this.#sizeMismatch(file, size, target.length, offset)
    const stored = this.#reader.tryRead(size)!.toString('latin1')
    this.#readPadding(padding(size))
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
    const { files } = this.#options
    const expected = files.at(this.#expected)
    if (expected && (expected.path === bare || (!bare.startsWith('/') && expected.path === `/${bare}`))) return expected
    const found = files.find(bare === '' || bare === '.' ? '/' : normalPath(bare))
    if (found !== undefined) return files.at(found)
    const message = `the archive has ${quoted(name)}, which the header does not list`
    if (!this.#options.lenient) throw new RpmError('file-not-in-header', message, { offset })
    warn(this.#options.warnings, { code: 'file-not-in-header', message, path: name })
    return undefined
  }

  /** Reads what was left of the last batch, and throws what went wrong behind it. */
  async #finish(): Promise<void> {
    for (const content of this.#contents) {
      const finishing = content.finish()
      if (finishing) await finishing
    }
    this.#contents = []
    if (this.#behind) await this.#pass(this.#behind)
    this.#behind = undefined
    if (this.#failure) throw this.#failure.error
  }

  async #pass({ skipped, padding }: { skipped: number; padding: number }): Promise<void> {
    for (let left = skipped; left > 0; ) {
      const piece = await this.#reader.take(left)
      if (!piece) throw this.#reader.truncated('content of an entry')
      left -= piece.length
    }
    await this.#reader.demand(padding, 'padding of an entry')
    this.#readPadding(padding)
  }

  #skip(size: number): void {
    this.#behind = { skipped: size, padding: padding(size) }
  }

  async #end(): Promise<void> {
    this.#state = 'ended'
    const { files, lenient, warnings } = this.#options
    for (let k = 0; k < files.length; k++) {
      if (this.#seen[k] || files.isGhost(k)) continue
      throw new RpmError('missing-file', `${quoted(files.path(k))} is in the header but not in the archive`, {
        offset: this.#reader.position,
      })
    }
    const offset = this.#reader.position
    let warned = false
    for await (const piece of this.#reader.rest()) {
      if (warned || piece.every(byte => byte === 0)) continue
      if (!lenient) throw new RpmError('trailing-data', 'something follows the end of the archive', { offset })
      warn(warnings, { code: 'trailing-data', message: 'something follows the end of the archive; it is left out' })
      warned = true
    }
  }

  #readPadding(length: number): void {
    if (length > 0) this.#checkPadding(this.#reader.tryRead(length)!, 0, this.#reader.position - length)
  }

  /** From `from` on; `offset` is the position of the first byte. */
  #checkPadding(bytes: Buffer, from: number, offset: number): void {
    for (let at = from; at < bytes.length; at++) {
      if (bytes[at] === 0) continue
      throw new RpmError('malformed-cpio', 'the padding of an entry is not zero', { offset: offset + from })
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

const slack = 64 * 1024

/** No archive of these files is longer than this: headers, the longest names, contents (each set's once), padding. */
export function largestArchive(files: FileTable): number {
  let total = slack
  for (let k = 0; k < files.length; k++) {
    const name = files.pathSize(k) + 8
    const type = files.type(k)
    const size =
      type === 'file' && files.links.last(k) === k
        ? files.size(k)
        : type === 'symlink'
          ? Math.max(files.size(k), files.linkTarget(k).length)
          : 0
    total += newcSize + name + size + 8
  }
  return total
}
