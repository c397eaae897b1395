import { type ByteString, isHex, quoted } from './byte-string.ts'
import { digestAlgorithm } from './digest-algorithms.ts'
import { RpmError } from './errors.ts'
import { FilePaths } from './file-paths.ts'
import { LinkSets } from './hardlinks.ts'
import type { Header } from './header.ts'
import { PathTable } from './path-table.ts'
import type { StringColumn } from './string-column.ts'
import { SignatureTag, Tag } from './tags.ts'

export type FileType = 'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo' | 'socket'

/** One file as the main header describes it. The header is the authority; the archive only carries contents. */
export interface FileInfo {
  /** Position in the header's file arrays. */
  readonly index: number
  /** Absolute and normalised: `/usr/bin/x`; in source packages `/x.spec`. */
  readonly path: ByteString
  readonly type: FileType
  /** The low 12 bits: permissions, setuid, setgid, sticky. */
  readonly mode: number
  /** As the header says; every member of a hardlink set shows the full size, directories show anything. */
  readonly size: number
  /** Unsigned seconds. */
  readonly mtime: number
  readonly owner: ByteString
  readonly group: ByteString
  /** Bits of FileFlag. */
  readonly flags: number
  /** Lowercase hex, or '' where the header has none. */
  readonly digest: string
  readonly linkTarget: ByteString
  readonly device: { readonly major: number; readonly minor: number } | undefined
  /** As libcap writes it (`cap_net_raw=ep`), '' for none, '=' for explicitly empty. */
  readonly capabilities: string
  /** Lowercase hex, from the signature header and hence unauthenticated unless it stands in the main header; '' for none. */
  readonly imaSignature: string
  /** Index of the set's first member, where the file is one of several names of one inode. */
  readonly hardlinkSet: number | undefined
  readonly lang: ByteString
  /** 1 = ELF32, 2 = ELF64. */
  readonly color: number
}

export const FileFlag = {
  CONFIG: 1,
  DOC: 2,
  ICON: 4,
  MISSINGOK: 8,
  NOREPLACE: 16,
  SPECFILE: 32,
  GHOST: 64,
  LICENSE: 128,
  README: 256,
  PUBKEY: 2048,
  ARTIFACT: 4096,
} as const

/** By the highest four bits of st_mode. */
const typeOfMode = new Map<number, FileType>([
  [0o01, 'fifo'],
  [0o02, 'character-device'],
  [0o04, 'directory'],
  [0o06, 'block-device'],
  [0o10, 'file'],
  [0o12, 'symlink'],
  [0o14, 'socket'],
])

/**
 * The files of a package in the order of its header. They stay there as columns: `at` and iterating make an object for
 * one file at a time, which nobody keeps, and the other methods answer without one. Checked by `readFiles`.
 */
export class FileTable implements Iterable<FileInfo> {
  readonly length: number
  readonly links: LinkSets
  /** Bytes of the paths as the header has them, together. */
  readonly pathBytes: number
  /** Of FILEDIGESTALGO. */
  readonly digestAlgorithm: ReturnType<typeof fileDigestAlgorithm>
  readonly #paths: FilePaths
  readonly #sizes: ArrayLike<number>
  readonly #modes: ArrayLike<number>
  readonly #rdevs: ArrayLike<number> | undefined
  readonly #mtimes: ArrayLike<number> | undefined
  readonly #flags: ArrayLike<number> | undefined
  readonly #colors: ArrayLike<number> | undefined
  readonly #digests: StringColumn | undefined
  readonly #targets: StringColumn | undefined
  readonly #owners: StringColumn | undefined
  readonly #groups: StringColumn | undefined
  readonly #langs: StringColumn | undefined
  readonly #capabilities: StringColumn | undefined
  readonly #imaSignatures: StringColumn | undefined
  #table: PathTable | undefined

  constructor(header: Header, signature: Header) {
    this.#paths = new FilePaths(header)
    this.length = this.#paths.length
    const sizes = header.numbers(Tag.LONGFILESIZES) ?? header.numbers(Tag.FILESIZES)
    const modes = header.numbers(Tag.FILEMODES)
    if (this.length > 0 && !(sizes && modes)) {
      throw new RpmError('missing-tag', `the header has files but no ${sizes ? 'FILEMODES' : 'FILESIZES'}`)
    }
    this.#sizes = sizes ?? []
    this.#modes = modes ?? []
    this.#rdevs = header.numbers(Tag.FILERDEVS)
    this.#mtimes = header.numbers(Tag.FILEMTIMES)
    this.#flags = header.numbers(Tag.FILEFLAGS)
    this.#colors = header.numbers(Tag.FILECOLORS)
    this.#digests = header.column(Tag.FILEDIGESTS)
    this.#targets = header.column(Tag.FILELINKTOS)
    this.#owners = header.column(Tag.FILEUSERNAME)
    this.#groups = header.column(Tag.FILEGROUPNAME)
    this.#langs = header.column(Tag.FILELANGS)
    this.#capabilities = header.column(Tag.FILECAPS)
    this.#imaSignatures = header.column(Tag.FILESIGNATURES) ?? signature.column(SignatureTag.FILESIGNATURES)
    this.digestAlgorithm = fileDigestAlgorithm(header)
    this.links = new LinkSets({
      count: this.length,
      inodes: header.numbers(Tag.FILEINODES),
      devices: header.numbers(Tag.FILEDEVICES),
      linkable: k => this.#modes[k]! >> 12 === 0o10 && !this.isGhost(k),
    })
    let pathBytes = 0
    for (let k = 0; k < this.length; k++) pathBytes += this.#paths.size(k)
    this.pathBytes = pathBytes
  }

  /** undefined where there is no file of that number. */
  at(index: number): FileInfo | undefined {
    if (!(index >= 0 && index < this.length)) return undefined
    const type = this.type(index)
    const rdev = this.#rdevs?.[index] ?? 0
    return {
      index,
      path: this.path(index),
      type,
      mode: this.#modes[index]! & 0o7777,
      size: this.size(index),
      mtime: this.#mtimes?.[index] ?? 0,
      owner: this.#owners?.at(index) ?? 'root',
      group: this.#groups?.at(index) ?? 'root',
      flags: this.flags(index),
      digest: this.digest(index),
      linkTarget: this.linkTarget(index),
      // Old writers left garbage here on everything that is no device.
      device: type.endsWith('device') ? { major: rdev >> 8, minor: rdev & 0xff } : undefined,
      capabilities: this.#capabilities?.at(index) ?? '',
      imaSignature: this.imaSignature(index) ?? '',
      hardlinkSet: this.links.first(index),
      lang: this.#langs?.at(index) ?? '',
      color: this.#colors?.[index] ?? 0,
    }
  }

  *[Symbol.iterator](): Generator<FileInfo, void, undefined> {
    for (let index = 0; index < this.length; index++) yield this.at(index)!
  }

  path(index: number): ByteString {
    return this.#paths.at(index)
  }

  *paths(): Generator<ByteString, void, undefined> {
    for (let index = 0; index < this.length; index++) yield this.path(index)
  }

  /** Files with the same number lie in the same directory; undefined where that is not plain to see. */
  directory(index: number): number | undefined {
    return this.#paths.directory(index)
  }

  type(index: number): FileType {
    const mode = this.#modes[index]!
    const type = typeOfMode.get(mode >> 12)
    if (type) return type
    throw new RpmError('bad-file-mode', `${quoted(this.path(index))} has the mode ${mode.toString(8)}, of no file type`)
  }

  size(index: number): number {
    return this.#sizes[index]!
  }

  /** Bytes of the path as the header has it. */
  pathSize(index: number): number {
    return this.#paths.size(index)
  }

  flags(index: number): number {
    return this.#flags?.[index] ?? 0
  }

  isGhost(index: number): boolean {
    return (this.flags(index) & FileFlag.GHOST) !== 0
  }

  /** Lowercase hex of a regular file, else ''. */
  digest(index: number): string {
    return this.type(index) === 'file' ? this.digestText(index).toLowerCase() : ''
  }

  get haveDigests(): boolean {
    for (let k = 0; k < this.length; k++) if (this.digest(k) !== '') return true
    return false
  }

  /** As it stands in the header, for whatever type of file. */
  digestText(index: number): ByteString {
    return this.#digests?.at(index) ?? ''
  }

  /** Lowercase hex, '' for none, undefined for what is no hex. */
  imaSignature(index: number): string | undefined {
    const text = this.#imaSignatures?.at(index) ?? ''
    return text.length % 2 === 0 && isHex(text) ? text.toLowerCase() : undefined
  }

  linkTarget(index: number): ByteString {
    return this.#targets?.at(index) ?? ''
  }

  /** The file at a path that is absolute and normalised. */
  find(path: ByteString): number | undefined {
    return this.byPath().find(path)
  }

  /** Made when it is first needed; refuses a path that stands there twice. */
  byPath(): PathTable {
    if (this.#table) return this.#table
    const table = new PathTable(this.length, k => this.path(k))
    for (let k = 0; k < this.length; k++) {
      const path = this.path(k)
      if (table.add(k, path) !== undefined)
        throw new RpmError('bad-file-path', `the header lists ${quoted(path)} twice`)
    }
    this.#table = table
    return table
  }
}

/** Some files of a table, each made when it is asked for: all files of a package can be names of one inode. */
export class FileList implements Iterable<FileInfo> {
  readonly #files: FileTable | undefined
  readonly #indexes: readonly number[]

  constructor(files?: FileTable, indexes: readonly number[] = []) {
    this.#files = files
    this.#indexes = indexes
  }

  get length(): number {
    return this.#indexes.length
  }

  at(k: number): FileInfo | undefined {
    const index = this.#indexes[k]
    return index === undefined ? undefined : this.#files?.at(index)
  }

  *[Symbol.iterator](): Generator<FileInfo, void, undefined> {
    for (let k = 0; k < this.length; k++) yield this.at(k)!
  }
}

/** FILEDIGESTALGO; absent means MD5, and rpm takes numbers that it does not know for MD5 as well. */
function fileDigestAlgorithm(header: Header) {
  return digestAlgorithm(header.number(Tag.FILEDIGESTALGO) ?? 1) ?? digestAlgorithm(1)!
}
