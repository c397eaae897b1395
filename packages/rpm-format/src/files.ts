import type { ByteString } from './byte-string.ts'

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
