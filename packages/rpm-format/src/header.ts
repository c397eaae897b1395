import type { ByteString } from './byte-string.ts'

/** A header container: index and data, decoded on demand. Serves the signature header and the main header. */
export interface Header {
  /** Position of the header's magic in the source. */
  readonly offset: number
  /** Everything from the magic to the end of the data, without padding: what header digests cover. */
  readonly bytes: Uint8Array
  has(tag: number): boolean
  /** Tags in index order, the region's own included. */
  tags(): IterableIterator<number>
  /** The index entry's type (1–9) and count. */
  entry(tag: number): { readonly type: number; readonly count: number } | undefined
  /** The first string of a STRING, STRING_ARRAY or I18NSTRING. */
  string(tag: number): ByteString | undefined
  strings(tag: number): ByteString[] | undefined
  /** The first number of an integer tag. */
  number(tag: number): number | undefined
  /** All numbers of an integer tag; 64-bit ones must be safe integers. */
  numbers(tag: number): ArrayLike<number> | undefined
  binary(tag: number): Uint8Array | undefined
}
