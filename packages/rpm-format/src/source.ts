import type { FileHandle } from 'node:fs/promises'

/** Where an RPM comes from. A FileHandle is read by position from 0 and stays open; anything else is read once. */
export type Source =
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>
  | Uint8Array
  | FileHandle
