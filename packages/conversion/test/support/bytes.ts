import type { FileBytes } from '../../src/catalog/file-bytes.ts'

/** Bytes in memory where a file is expected. */
export function bytesOf(bytes: Buffer): FileBytes {
  return {
    size: bytes.length,
    read: (position, length) => bytes.subarray(position, Math.min(bytes.length, position + length)),
  }
}
