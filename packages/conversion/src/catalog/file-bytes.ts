import { readSync } from 'node:fs'

/** A file of known length, read by position and without libuv's pool: for threads that may wait. */
export interface FileBytes {
  readonly size: number
  /** Up to `length` bytes; fewer only at the end of the file. */
  read(position: number, length: number): Buffer
}

export function fileBytes(fd: number, size: number): FileBytes {
  return {
    size,
    read(position, length) {
      const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - position)))
      let filled = 0
      while (filled < buffer.length) {
        const count = readSync(fd, buffer, filled, buffer.length - filled, position + filled)
        if (count === 0) break
        filled += count
      }
      return buffer.subarray(0, filled)
    },
  }
}

/** From the start on, in pieces that grow: headers are small, and most of the file is not wanted. */
export function* growingChunks(bytes: FileBytes): Generator<Buffer, void, undefined> {
  let position = 0
  for (let length = 32 * 1024; position < bytes.size; length = Math.min(2 * length, 1024 * 1024)) {
    const chunk = bytes.read(position, length)
    if (chunk.length === 0) return
    position += chunk.length
    yield chunk
  }
}
