import { createHash } from 'node:crypto'
import type { ByteString } from '../byte-string.ts'
import { FileFlag, type FileInfo, type FileType } from '../files.ts'
import { mapped } from '../text-pieces.ts'
import { cell, tsv } from './tsv.ts'

/** One file of the RPM and what became of it. */
export interface FileRow {
  readonly file: FileInfo
  /** Whose mode, owner and times count: the last of its hardlink set. */
  readonly metadata: FileInfo
  /** Name in the archive without `./` and the slash of directories; undefined where it has no member. */
  readonly src: ByteString | undefined
  /** Bytes in the archive. */
  readonly size: number
  readonly sha256: string | undefined
  /** Number of its hardlink set, from 1. */
  readonly set: number | undefined
}

const typeLetters: Record<FileType, string> = {
  file: 'f',
  directory: 'd',
  symlink: 'l',
  'character-device': 'c',
  'block-device': 'b',
  fifo: 'p',
  socket: 's',
}

const flagLetters = [
  [FileFlag.CONFIG, 'c'],
  [FileFlag.NOREPLACE, 'n'],
  [FileFlag.MISSINGOK, 'm'],
  [FileFlag.GHOST, 'g'],
  [FileFlag.DOC, 'd'],
  [FileFlag.LICENSE, 'l'],
  [FileFlag.README, 'r'],
  [FileFlag.ARTIFACT, 'a'],
] as const

const columns = 'type mode owner group flags size mtime sha256 rdev caps ima hardlink link src dest'.split(' ')

function cells({ file, metadata, src, size, sha256, set }: FileRow): ByteString[] {
  return [
    typeLetters[file.type],
    fourOctalDigits(metadata.mode),
    cell(metadata.owner),
    cell(metadata.group),
    flagLetters.map(([flag, letter]) => (file.flags & flag ? letter : '')).join('') || '-',
    String(size),
    String(metadata.mtime),
    sha256 ?? '-',
    file.device ? `${file.device.major}:${file.device.minor}` : '-',
    cell(metadata.capabilities),
    metadata.imaSignature || '-',
    set === undefined ? '-' : String(set),
    cell(file.type === 'symlink' ? file.linkTarget : ''),
    cell(src ?? ''),
    cell(file.path),
  ]
}

export function fourOctalDigits(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

export function fileTable(name: string, rows: Iterable<FileRow>): Iterable<ByteString> {
  return tsv(name, columns, mapped(rows, cells))
}

export function isGhost({ flags }: FileInfo): boolean {
  return (flags & FileFlag.GHOST) !== 0
}

/** What copying plainly as root gets wrong. */
export function isSpecial({ file, metadata, set }: FileRow): boolean {
  if (isGhost(file) || file.type === 'socket') return false
  const { owner, group, mode, capabilities, imaSignature } = metadata
  return (
    file.type === 'character-device' ||
    file.type === 'block-device' ||
    file.type === 'fifo' ||
    owner !== 'root' ||
    group !== 'root' ||
    set !== undefined ||
    capabilities !== '' ||
    imaSignature !== '' ||
    (file.type !== 'symlink' && (mode & 0o6000) !== 0) ||
    (file.type === 'file' && (mode & 0o400) === 0)
  )
}

export function isConfig({ file, src }: FileRow): boolean {
  return (file.flags & FileFlag.CONFIG) !== 0 && src !== undefined && (file.type === 'file' || file.type === 'symlink')
}

/** Hashes of what passes by, where the RPM's own digests are not SHA-256. */
export function sha256Watcher(done: (hex: string) => void): { update(bytes: Uint8Array): void; end(): void } {
  const hash = createHash('sha256')
  return { update: bytes => void hash.update(bytes), end: () => done(hash.digest('hex')) }
}

/** A line of `sha256sum -c`. */
export function sha256Line(hex: string, name: ByteString): ByteString {
  if (!/[\\\n]/.test(name)) return `${hex}  ${name}\n`
  return `\\${hex}  ${name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`
}
