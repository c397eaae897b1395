import { isHex, quoted } from './byte-string.ts'
import { RpmError, type Warning, warn } from './errors.ts'
import { escapesRoot } from './file-paths.ts'
import { type FileInfo, FileTable } from './files.ts'
import type { Header } from './header.ts'
import { limitsOf, type ReadOptions } from './limits.ts'
import { SignatureTag, Tag, tagName } from './tags.ts'

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

/** The files of a package, once everything that the header says of them is sound. */
export function readFiles(header: Header, signature: Header, options: ReadOptions, warnings: Warning[]): FileTable {
  checkCounts(header, signature, options)
  const files = new FileTable(header, signature)
  checkPathBytes(files, options)
  checkTypesAndSizes(files)
  checkDigests(files)
  checkTree(files)
  if (options.rejectEscapingSymlinks) checkSymlinks(files)
  checkLinkSets(files, warnings)
  checkImaSignatures(files, warnings)
  return files
}

/** Every array that is there must have exactly as many members as there are files. */
function checkCounts(header: Header, signature: Header, options: ReadOptions): void {
  const announced = header.entry(Tag.BASENAMES)?.count ?? header.entry(Tag.OLDFILENAMES)?.count ?? 0
  const { files: limit } = limitsOf(options)
  if (announced > limit) throw new RpmError('too-many-files', `${announced} files; ${limit} are allowed`)
  for (const tag of fileTags) checkCount(header, tag, announced)
  checkCount(signature, SignatureTag.FILESIGNATURES, announced)
  if (header.has(Tag.FILESIZES) && header.has(Tag.LONGFILESIZES)) {
    throw new RpmError('duplicate-tag', 'both FILESIZES and LONGFILESIZES give the sizes: readers would disagree')
  }
}

function checkCount(header: Header, tag: number, files: number): void {
  const count = header.entry(tag)?.count
  if (count !== undefined && count !== files) {
    throw new RpmError('array-mismatch', `${tagName(tag)} has ${count} members for ${files} files`)
  }
}

/** A header of a few megabytes can spell gigabytes of paths, which everything that is made from it would repeat. */
function checkPathBytes(files: FileTable, options: ReadOptions): void {
  const { pathBytes: limit } = limitsOf(options)
  if (files.pathBytes > limit)
    throw new RpmError('bad-file-path', `paths of ${files.pathBytes} bytes in all; ${limit} are allowed`)
}

function checkTypesAndSizes(files: FileTable): void {
  let total = 0
  for (let k = 0; k < files.length; k++) {
    files.type(k)
    total += files.size(k)
  }
  if (total > Number.MAX_SAFE_INTEGER)
    throw new RpmError('bad-file-size', 'the sizes of the files add up to more than 2^53')
}

function checkDigests(files: FileTable): void {
  const { hexLength } = files.digestAlgorithm
  for (let k = 0; k < files.length; k++) {
    const digest = files.type(k) === 'file' ? files.digestText(k) : ''
    if (digest !== '' && (digest.length !== hexLength || !isHex(digest)))
      throw new RpmError('bad-file-digest', `the digest of ${quoted(files.path(k))} is not ${hexLength} hex digits`)
  }
}

/** They are unauthenticated: a package is not worse for a broken one, as long as nobody gets to see it. */
function checkImaSignatures(files: FileTable, warnings: Warning[]): void {
  for (let k = 0; k < files.length; k++) {
    if (files.imaSignature(k) !== undefined) continue
    const path = files.path(k)
    warn(warnings, {
      code: 'bad-ima-signature',
      message: `the IMA signature of ${quoted(path)} is no hex; it is left out`,
      path,
    })
  }
}

/** Nothing twice, and nothing below what is no directory: extracting must never write through a link of the package. */
function checkTree(files: FileTable): void {
  const table = files.byPath()
  const root = files.find('/')
  if (root !== undefined && files.type(root) !== 'directory')
    throw new RpmError('bad-file-path', `the root is a ${files.type(root)}`)
  const sound = new Set<number>()
  for (let k = 0; k < files.length; k++) {
    const directory = files.directory(k)
    if (directory !== undefined && sound.has(directory)) continue
    const path = files.path(k)
    for (const parent of table.above(path)) {
      if (files.type(parent) === 'directory') continue
      throw new RpmError(
        'path-below-non-directory',
        `${quoted(path)} lies below ${quoted(files.path(parent))}, a ${files.type(parent)} of the same package`,
      )
    }
    if (directory !== undefined) sound.add(directory)
  }
}

function checkSymlinks(files: FileTable): void {
  for (let k = 0; k < files.length; k++) {
    if (files.type(k) !== 'symlink' || !escapesRoot(files.path(k), files.linkTarget(k))) continue
    throw new RpmError(
      'escaping-symlink',
      `${quoted(files.path(k))} points out of the root, to ${quoted(files.linkTarget(k))}`,
    )
  }
}

/** One inode has one content; what else its names disagree on is the last member's, as rpm installs it. */
function checkLinkSets(files: FileTable, warnings: Warning[]): void {
  const conflicting = new Set<number>()
  let first: FileInfo | undefined
  for (let k = 0; k < files.length; k++) {
    const set = files.links.first(k)
    if (set === undefined || set === k) continue
    if (first?.index !== set) first = files.at(set)!
    const file = files.at(k)!
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
    if (same || conflicting.has(set)) continue
    conflicting.add(set)
    warn(warnings, {
      code: 'hardlink-metadata-differs',
      message: `the names of one file disagree on its mode, owner, capabilities or time: ${quoted(first.path)} and ${quoted(file.path)}`,
      path: first.path,
    })
  }
}
