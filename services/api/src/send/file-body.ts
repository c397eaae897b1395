import { fstat, read } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { Artifact } from '../downloads/artifact.ts'
import { SourceChangedError } from '../downloads/fresh-entry.ts'

/** Part of an opened file, to be sent as the body of an answer; closes the file at the end, whatever the end is. */
export class FileBody {
  readonly type: Artifact['type']
  readonly start: number
  readonly length: number
  /** Bytes handed to the socket so far, for the log. */
  sent = 0
  readonly #handle: FileHandle
  readonly #identity: Artifact['identity']
  #closing: Promise<void> | undefined

  constructor({ type, handle, identity }: Artifact, start: number, length: number) {
    this.type = type
    this.#handle = handle
    this.#identity = identity
    this.start = start
    this.length = length
  }

  /**
   * Fills `buffer` from `position` as far as the file goes, then makes sure that the file is still the same: the bytes
   * were right when they were read. Rejects with SourceChangedError otherwise, also where bytes are missing.
   */
  async read(buffer: Buffer, position: number): Promise<void> {
    let filled = 0
    while (filled < buffer.length) {
      const bytes = await readAt(this.#handle.fd, buffer, filled, position + filled)
      if (bytes === 0) throw new SourceChangedError('the file was changed while it was being sent')
      filled += bytes
    }
    if (!(await this.#unchanged())) throw new SourceChangedError('the file was changed while it was being sent')
  }

  close(): Promise<void> {
    this.#closing ??= this.#handle.close()
    return this.#closing
  }

  /** A file that lost its name to its successor has another ctime and, being out of reach, the old bytes. */
  async #unchanged(): Promise<boolean> {
    const { size, mtimeNs, ctimeNs, nlink } = await statOf(this.#handle.fd)
    const expected = this.#identity
    if (Number(size) !== expected.size || String(mtimeNs) !== expected.mtimeNs) return false
    return String(ctimeNs) === expected.ctimeNs || nlink === 0n
  }
}

// The callback functions of node:fs: a third faster per read than those of FileHandle (measured at 256 KiB).
function readAt(fd: number, buffer: Buffer, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, offset, buffer.length - offset, position, (error, bytes) =>
      error ? reject(error) : resolve(bytes),
    )
  })
}

function statOf(fd: number): Promise<{ size: bigint; mtimeNs: bigint; ctimeNs: bigint; nlink: bigint }> {
  return new Promise((resolve, reject) => {
    fstat(fd, { bigint: true }, (error, stats) => (error ? reject(error) : resolve(stats)))
  })
}
