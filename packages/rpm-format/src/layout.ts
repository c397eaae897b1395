import type { PayloadEntry } from './archive.ts'
import type { ByteString } from './byte-string.ts'
import type { PayloadOutcome } from './entries.ts'
import type { Warning } from './errors.ts'
import type { FileInfo } from './files.ts'
import type { TarEntry, TarEntryType } from './tar.ts'
import type { Signed } from './verify.ts'

export type LayoutName = 'root' | 'scyld'

/** Where the files of an RPM go in a TAR, and what stands around them. */
export interface Layout {
  readonly warnings: readonly Warning[]
  /** Members before those of the payload. */
  opening(): Iterable<TarEntry>
  /** The member's name in the TAR; undefined where the file has no member of its own. */
  place(file: FileInfo): ByteString | undefined
  /** The member for a file that has one; of `metadata` are mode, owner, times, capabilities and IMA signature. */
  member(file: FileInfo, metadata: FileInfo, name: ByteString, size: number): TarEntry
  /** Who wants to see the content of a regular file pass by. */
  watch(entry: PayloadEntry): ContentWatcher | undefined
  /** Members after those of the payload, with their contents. */
  closing(facts: ClosingFacts): Iterable<OwnMember>
}

export interface ContentWatcher {
  update(bytes: Uint8Array): void
  end(): void
}

export interface ClosingFacts {
  readonly outcome: PayloadOutcome
  readonly signed: Signed
}

export interface OwnMember {
  readonly entry: TarEntry
  readonly content: Iterable<Uint8Array>
}

/** All names of an inode in header order; rpm applies the metadata of the last, which also carries the content. */
export function* namesOf({ file, links }: PayloadEntry): Generator<FileInfo, void, undefined> {
  yield* links
  yield file
}

/** TAR has no sockets. */
export function tarTypeOf(file: FileInfo): TarEntryType | undefined {
  return file.type === 'socket' ? undefined : file.type
}
