import type { ByteString } from './byte-string.ts'
import type { Dependency, DependencyKind } from './dependencies.ts'
import type { Warning } from './errors.ts'
import { RpmError } from './errors.ts'
import type { FileInfo } from './files.ts'
import type { Header } from './header.ts'
import type { Lead } from './lead.ts'
import type { ReadOptions } from './limits.ts'
import type { Nevra } from './nevra.ts'
import type { Scriptlet } from './scriptlets.ts'
import type { Source } from './source.ts'
import type { Trigger } from './triggers.ts'

export type Strength = 'strong' | 'weak' | 'none'

export interface RpmPackage {
  readonly lead: Lead
  readonly signature: Header
  readonly header: Header
  readonly format: 3 | 4 | 6
  readonly nevra: Nevra
  readonly isSource: boolean
  readonly payload: {
    /** Bytes before the payload. */
    readonly offset: number
    /** PAYLOADFORMAT, 'cpio' where absent. */
    readonly format: ByteString
    /** PAYLOADCOMPRESSOR as the header names it; the payload's magic decides. */
    readonly compressor: ByteString | undefined
    /** What the headers hold that covers the payload: SHA-2/SHA-3, only MD5, or nothing. */
    readonly coverage: Strength
  }
  readonly files: readonly FileInfo[]
  readonly scriptlets: readonly Scriptlet[]
  readonly triggers: readonly Trigger[]
  dependencies(kind: DependencyKind): readonly Dependency[]
  readonly warnings: readonly Warning[]
}

/** Lead, signature header and main header, checked against the header's digests. The payload is left unread. */
export async function readPackage(_source: Source, _options: ReadOptions = {}): Promise<RpmPackage> {
  throw new RpmError('not-an-rpm', 'readPackage is being written')
}
