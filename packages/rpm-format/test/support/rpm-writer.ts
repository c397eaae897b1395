import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { SignatureTag, Tag } from '../../src/tags.ts'
import { newc, stripped, trailer } from './cpio-writer.ts'
import {
  binary,
  encodeHeader,
  i18n,
  int16List,
  int32,
  int32List,
  int64,
  int64List,
  type TagEntry,
  text,
  texts,
  textsList,
} from './header-writer.ts'

export interface TestFile {
  /** As in the header: '/usr/bin/x'. */
  path: string
  /** With the type's bits; 0100644 unless given. */
  mode?: number
  content?: string | Uint8Array
  /** What the header claims; the content's length unless given. */
  size?: number
  digest?: string
  linkTarget?: string
  flags?: number
  owner?: string
  group?: string
  mtime?: number
  inode?: number
  device?: number
  rdev?: number
  capabilities?: string
}

/** What to build, and where to lie: each hook gets what an honest writer would write. */
export interface RpmSpec {
  format?: 3 | 4 | 6
  name?: string
  files?: readonly TestFile[]
  /** PAYLOADCOMPRESSOR; null leaves the tag out. */
  compressor?: string | null
  compress?: (archive: Buffer) => Buffer
  /** The archive's entries, the trailer last. */
  archive?: (entries: Buffer[]) => Buffer[]
  payload?: (compressed: Buffer) => Buffer
  /** The main header's tags, sorted by number, before digests are taken. */
  header?: (tags: TagEntry[]) => TagEntry[]
  headerBytes?: (bytes: Buffer) => Buffer
  signature?: (tags: TagEntry[]) => TagEntry[]
  signatureBytes?: (bytes: Buffer) => Buffer
  lead?: (bytes: Buffer) => Buffer
}

export function buildRpm(spec: RpmSpec = {}): Buffer {
  const format = spec.format ?? 4
  const files = spec.files ?? []
  const entries = [...archiveEntries(files, format), trailer()]
  const archive = Buffer.concat(spec.archive ? spec.archive(entries) : entries)
  const compressed = (spec.compress ?? gzipSync)(archive)
  const payload = spec.payload ? spec.payload(compressed) : compressed
  const tags = mainTags(spec, files, format, archive, payload).toSorted((a, b) => a.tag - b.tag)
  const header = change(
    encodeHeader(change(tags, spec.header), format === 3 ? undefined : Tag.HEADERIMMUTABLE),
    spec.headerBytes,
  )
  const signatureTags = change(signatureOf(header, payload, archive, format), spec.signature)
  const signature = change(
    encodeHeader(signatureTags, format === 3 ? undefined : Tag.HEADERSIGNATURES),
    spec.signatureBytes,
  )
  const padding = Buffer.alloc((8 - (signature.length % 8)) % 8)
  return Buffer.concat([change(lead(spec.name ?? 'test', format), spec.lead), signature, padding, header, payload])
}

export function withTag(...entries: TagEntry[]): (tags: TagEntry[]) => TagEntry[] {
  const numbers = new Set(entries.map(({ tag }) => tag))
  return tags => [...tags.filter(({ tag }) => !numbers.has(tag)), ...entries].toSorted((a, b) => a.tag - b.tag)
}

export function withoutTag(...numbers: number[]): (tags: TagEntry[]) => TagEntry[] {
  return tags => tags.filter(({ tag }) => !numbers.includes(tag))
}

function change<T>(honest: T, hook: ((value: T) => T) | undefined): T {
  return hook ? hook(honest) : honest
}

function lead(name: string, format: number): Buffer {
  const bytes = Buffer.alloc(96)
  bytes.writeUInt32BE(0xedabeedb)
  bytes[4] = format === 6 ? 4 : 3
  bytes.write(`${name}-1-1`, 10, 65, 'latin1')
  bytes.writeUInt16BE(1, 76)
  bytes.writeUInt16BE(5, 78)
  return bytes
}

const contentOf = (file: TestFile): Buffer => Buffer.from((file.content ?? '') as string, 'latin1')
const modeOf = (file: TestFile): number => file.mode ?? 0o100644
const isRegular = (file: TestFile): boolean => modeOf(file) >> 12 === 0o10
const isGhost = (file: TestFile): boolean => ((file.flags ?? 0) & 64) !== 0

/** As rpm 4.12 and later: in header order, of a hardlink set only the last with content. */
export function archiveEntries(files: readonly TestFile[], format: number): Buffer[] {
  const last = new Map(files.flatMap((file, k) => (file.inode && isRegular(file) ? [[file.inode, k] as const] : [])))
  return files.flatMap((file, index) => {
    if (isGhost(file)) return []
    const link = modeOf(file) >> 12 === 0o12
    const empty = !isRegular(file) || (file.inode && last.get(file.inode) !== index)
    const data = link ? (file.linkTarget ?? '') : empty ? '' : contentOf(file)
    return [
      format === 6
        ? stripped(index, data)
        : newc(`.${file.path}`, data, { mode: modeOf(file), ino: file.inode ?? index + 1 }),
    ]
  })
}

function mainTags(
  spec: RpmSpec,
  files: readonly TestFile[],
  format: 3 | 4 | 6,
  archive: Buffer,
  payload: Buffer,
): TagEntry[] {
  const tags = [
    texts(Tag.HEADERI18NTABLE, 'C'),
    text(Tag.NAME, spec.name ?? 'test'),
    text(Tag.VERSION, '1'),
    text(Tag.RELEASE, '1'),
    i18n(Tag.SUMMARY, 'A package for a test'),
    int32(Tag.BUILDTIME, 1_700_000_000),
    text(Tag.LICENSE, 'None'),
    text(Tag.ARCH, 'noarch'),
    text(Tag.SOURCERPM, 'test-1-1.src.rpm'),
    text(Tag.PAYLOADFORMAT, 'cpio'),
  ]
  const compressor = spec.compressor === undefined ? 'gzip' : spec.compressor
  if (compressor !== null) tags.push(text(Tag.PAYLOADCOMPRESSOR, compressor))
  if (format !== 3) {
    tags.push(texts(Tag.PAYLOADSHA256, sha('sha256', payload)), texts(Tag.PAYLOADSHA256ALT, sha('sha256', archive)))
  }
  if (format === 6) {
    tags.push(
      int32(Tag.RPMFORMAT, 6),
      int64(Tag.PAYLOADSIZE, payload.length),
      int64(Tag.PAYLOADSIZEALT, archive.length),
      text(Tag.PAYLOADSHA512, sha('sha512', payload)),
      text(Tag.PAYLOADSHA512ALT, sha('sha512', archive)),
      text(Tag.PAYLOADSHA3_256, sha('sha3-256', payload)),
      text(Tag.PAYLOADSHA3_256ALT, sha('sha3-256', archive)),
    )
  }
  return files.length > 0 ? [...tags, ...fileTags(files, format)] : tags
}

function fileTags(files: readonly TestFile[], format: 3 | 4 | 6): TagEntry[] {
  const digests = files.map(file => {
    if (file.digest !== undefined) return file.digest
    return isRegular(file) && !isGhost(file) ? sha(format === 3 ? 'md5' : 'sha256', contentOf(file)) : ''
  })
  const sizes = files.map(
    file => file.size ?? (isRegular(file) ? contentOf(file).length : (file.linkTarget ?? '').length),
  )
  const directories = [...new Set(files.map(({ path }) => directoryOf(path)))]
  const directoryNumbers = new Map(directories.map((directory, k) => [directory, k]))
  const names =
    format === 3
      ? [
          textsList(
            Tag.OLDFILENAMES,
            files.map(({ path }) => path),
          ),
        ]
      : [
          textsList(
            Tag.BASENAMES,
            files.map(({ path }) => path.slice(directoryOf(path).length)),
          ),
          textsList(Tag.DIRNAMES, directories),
          int32List(
            Tag.DIRINDEXES,
            files.map(({ path }) => directoryNumbers.get(directoryOf(path))!),
          ),
        ]
  return [
    ...names,
    format === 6 ? int64List(Tag.LONGFILESIZES, sizes) : int32List(Tag.FILESIZES, sizes),
    int16List(Tag.FILEMODES, files.map(modeOf)),
    int16List(
      Tag.FILERDEVS,
      files.map(file => file.rdev ?? 0),
    ),
    int32List(
      Tag.FILEMTIMES,
      files.map(file => file.mtime ?? 1_600_000_000),
    ),
    textsList(Tag.FILEDIGESTS, digests),
    textsList(
      Tag.FILELINKTOS,
      files.map(file => file.linkTarget ?? ''),
    ),
    int32List(
      Tag.FILEFLAGS,
      files.map(file => file.flags ?? 0),
    ),
    textsList(
      Tag.FILEUSERNAME,
      files.map(file => file.owner ?? 'root'),
    ),
    textsList(
      Tag.FILEGROUPNAME,
      files.map(file => file.group ?? 'root'),
    ),
    int32List(
      Tag.FILEDEVICES,
      files.map(file => file.device ?? 1),
    ),
    int32List(
      Tag.FILEINODES,
      files.map((file, k) => file.inode ?? 1000 + k),
    ),
    textsList(
      Tag.FILELANGS,
      files.map(() => ''),
    ),
    ...(files.some(file => file.capabilities)
      ? [
          textsList(
            Tag.FILECAPS,
            files.map(file => file.capabilities ?? ''),
          ),
        ]
      : []),
    ...(format === 3 ? [] : [int32(Tag.FILEDIGESTALGO, 8)]),
  ]
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

function signatureOf(header: Buffer, payload: Buffer, archive: Buffer, format: 3 | 4 | 6): TagEntry[] {
  const both = Buffer.concat([header, payload])
  const legacy = [
    int32(SignatureTag.SIZE, both.length),
    binary(SignatureTag.MD5, createHash('md5').update(both).digest()),
    int32(SignatureTag.PAYLOADSIZE, archive.length),
  ]
  if (format === 3) return legacy
  const strong = [text(SignatureTag.SHA256, sha('sha256', header))]
  if (format === 4) return [text(SignatureTag.SHA1, sha('sha1', header)), ...strong, ...legacy]
  return [
    ...strong,
    text(SignatureTag.SHA3_256, sha('sha3-256', header)),
    binary(SignatureTag.RESERVED, Buffer.alloc(32)),
  ]
}

function sha(algorithm: string, bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex')
}
