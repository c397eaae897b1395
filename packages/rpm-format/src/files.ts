import { type ByteString, quoted } from './byte-string.ts'
import { digestAlgorithm } from './digest-algorithms.ts'
import { RpmError, type Warning, warn } from './errors.ts'
import { escapesRoot, filePaths } from './file-paths.ts'
import { linkSets } from './hardlinks.ts'
import type { Header } from './header.ts'
import type { ReadOptions } from './limits.ts'
import { limitsOf } from './limits.ts'
import { SignatureTag, Tag, tagName } from './tags.ts'

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
  /** Hex, from the signature header and hence unauthenticated unless it stands in the main header; '' for none. */
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

const fileTags = [
  Tag.FILESIZES,
  Tag.LONGFILESIZES,
  Tag.FILEMODES,
  Tag.FILERDEVS,
  Tag.FILEMTIMES,
  Tag.FILEDIGESTS,
  Tag.FILELINKTOS,
  Tag.FILEFLAGS,
  Tag.FILEUSERNAME,
  Tag.FILEGROUPNAME,
  Tag.FILEDEVICES,
  Tag.FILEINODES,
  Tag.FILELANGS,
  Tag.FILECOLORS,
  Tag.FILECAPS,
  Tag.FILESIGNATURES,
]

/** The parallel file arrays as one object a file. Every array that is there must have exactly as many members as there are files. */
export function readFiles(header: Header, signature: Header, options: ReadOptions, warnings: Warning[]): FileInfo[] {
  const announced = header.entry(Tag.BASENAMES)?.count ?? header.entry(Tag.OLDFILENAMES)?.count ?? 0
  const { files: limit } = limitsOf(options)
  if (announced > limit) throw new RpmError('too-many-files', `${announced} files; ${limit} are allowed`)
  for (const tag of fileTags) checkCount(header, tag, announced)
  checkCount(signature, SignatureTag.FILESIGNATURES, announced)
  if (header.has(Tag.FILESIZES) && header.has(Tag.LONGFILESIZES)) {
    throw new RpmError('duplicate-tag', 'both FILESIZES and LONGFILESIZES give the sizes: readers would disagree')
  }

  const paths = filePaths(header)
  const sizes = header.numbers(Tag.LONGFILESIZES) ?? header.numbers(Tag.FILESIZES)
  const modes = header.numbers(Tag.FILEMODES)
  if (paths.length > 0 && !(sizes && modes)) {
    throw new RpmError('missing-tag', `the header has files but no ${sizes ? 'FILEMODES' : 'FILESIZES'}`)
  }
  const rdevs = header.numbers(Tag.FILERDEVS)
  const mtimes = header.numbers(Tag.FILEMTIMES)
  const flags = header.numbers(Tag.FILEFLAGS)
  const colors = header.numbers(Tag.FILECOLORS)
  const digests = header.strings(Tag.FILEDIGESTS)
  const links = header.strings(Tag.FILELINKTOS)
  const owners = interned(header.strings(Tag.FILEUSERNAME))
  const groups = interned(header.strings(Tag.FILEGROUPNAME))
  const langs = interned(header.strings(Tag.FILELANGS))
  const capabilities = interned(header.strings(Tag.FILECAPS))
  const imaSignatures = header.strings(Tag.FILESIGNATURES) ?? signature.strings(SignatureTag.FILESIGNATURES)
  const algorithm = fileDigestAlgorithm(header)

  let total = 0
  const types = paths.map((path, k) => {
    const type = typeOfMode.get(modes![k]! >> 12)
    if (!type)
      throw new RpmError('bad-file-mode', `${quoted(path)} has the mode ${modes![k]!.toString(8)}, of no file type`)
    if (path === '/' && type !== 'directory') throw new RpmError('bad-file-path', `the root is a ${type}`)
    total += sizes![k]!
    return type
  })
  if (total > Number.MAX_SAFE_INTEGER)
    throw new RpmError('bad-file-size', 'the sizes of the files add up to more than 2^53')

  const sets = linkSets({
    count: paths.length,
    inodes: header.numbers(Tag.FILEINODES),
    devices: header.numbers(Tag.FILEDEVICES),
    linkable: k => types[k] === 'file' && ((flags?.[k] ?? 0) & FileFlag.GHOST) === 0,
  })

  const files = paths.map((path, k): FileInfo => {
    const type = types[k]!
    const rdev = rdevs?.[k] ?? 0
    return {
      index: k,
      path,
      type,
      mode: modes![k]! & 0o7777,
      size: sizes![k]!,
      mtime: mtimes?.[k] ?? 0,
      owner: owners?.[k] ?? 'root',
      group: groups?.[k] ?? 'root',
      flags: flags?.[k] ?? 0,
      digest: type === 'file' ? checkedDigest(path, digests?.[k] ?? '', algorithm.hexLength) : '',
      linkTarget: links?.[k] ?? '',
      // Old writers left garbage here on everything that is no device.
      device: type.endsWith('device') ? { major: rdev >> 8, minor: rdev & 0xff } : undefined,
      capabilities: capabilities?.[k] ?? '',
      imaSignature: imaSignatures?.[k] ?? '',
      hardlinkSet: sets.get(k),
      lang: langs?.[k] ?? '',
      color: colors?.[k] ?? 0,
    }
  })
  checkTree(files, options)
  checkLinkSets(files, warnings)
  return files
}

/** FILEDIGESTALGO; absent means MD5, and rpm takes numbers that it does not know for MD5 as well. */
export function fileDigestAlgorithm(header: Header) {
  return digestAlgorithm(header.number(Tag.FILEDIGESTALGO) ?? 1) ?? digestAlgorithm(1)!
}

function checkCount(header: Header, tag: number, files: number): void {
  const count = header.entry(tag)?.count
  if (count !== undefined && count !== files) {
    throw new RpmError('array-mismatch', `${tagName(tag)} has ${count} members for ${files} files`)
  }
}

function checkedDigest(path: ByteString, digest: string, hexLength: number): string {
  if (digest === '') return ''
  if (digest.length !== hexLength || !/^[0-9a-fA-F]+$/.test(digest)) {
    throw new RpmError('bad-file-digest', `the digest of ${quoted(path)} is not ${hexLength} hex digits`)
  }
  return digest.toLowerCase()
}

/** A few names stand for thousands of files: one string each. */
function interned(strings: string[] | undefined): string[] | undefined {
  if (!strings) return undefined
  const seen = new Map<string, string>()
  return strings.map(text => {
    const known = seen.get(text)
    if (known !== undefined) return known
    seen.set(text, text)
    return text
  })
}

/** Nothing twice, and nothing below what is no directory: extracting must never write through a link of the package. */
function checkTree(files: readonly FileInfo[], options: ReadOptions): void {
  const byPath = new Map<ByteString, FileInfo>()
  for (const file of files) {
    if (byPath.has(file.path)) throw new RpmError('bad-file-path', `the header lists ${quoted(file.path)} twice`)
    byPath.set(file.path, file)
  }
  const sound = new Set<ByteString>()
  let last = ''
  for (const file of files) {
    if (options.rejectEscapingSymlinks && file.type === 'symlink' && escapesRoot(file.path, file.linkTarget)) {
      throw new RpmError(
        'escaping-symlink',
        `${quoted(file.path)} points out of the root, to ${quoted(file.linkTarget)}`,
      )
    }
    const directoryEnd = file.path.lastIndexOf('/')
    if (directoryEnd === last.length && file.path.startsWith(last)) continue
    last = file.path.slice(0, directoryEnd)
    const climbed: ByteString[] = []
    for (let end = file.path.lastIndexOf('/'); end > 0; end = file.path.lastIndexOf('/', end - 1)) {
      const parent = file.path.slice(0, end)
      if (sound.has(parent)) break
      const entry = byPath.get(parent)
      if (entry && entry.type !== 'directory') {
        throw new RpmError(
          'path-below-non-directory',
          `${quoted(file.path)} lies below ${quoted(parent)}, a ${entry.type} of the same package`,
        )
      }
      climbed.push(parent)
    }
    for (const parent of climbed) sound.add(parent)
  }
}

/** One inode has one content; what else its names disagree on is the last member's, as rpm installs it. */
function checkLinkSets(files: readonly FileInfo[], warnings: Warning[]): void {
  const conflicting = new Set<number>()
  for (const file of files) {
    if (file.hardlinkSet === undefined || file.hardlinkSet === file.index) continue
    const first = files[file.hardlinkSet]!
    if (file.size !== first.size || file.digest !== first.digest) {
      throw new RpmError(
        'bad-hardlink-set',
        `${quoted(file.path)} and ${quoted(first.path)} are one inode but differ in size or digest`,
      )
    }
    const same =
      file.mode === first.mode &&
      file.owner === first.owner &&
      file.group === first.group &&
      file.capabilities === first.capabilities &&
      file.mtime === first.mtime
    if (same || conflicting.has(first.index)) continue
    conflicting.add(first.index)
    warn(warnings, {
      code: 'hardlink-metadata-differs',
      message: `the names of one file disagree on its mode, owner, capabilities or time: ${quoted(first.path)} and ${quoted(file.path)}`,
      path: first.path,
    })
  }
}
