import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemCode } from './package-file.ts'

export interface JournalOptions {
  path: string
  /** First line of the file: another one, and the file is begun anew. */
  header: string
}

/**
 * JSON lines, one record each, appended as things change and rewritten (beside, synced, renamed) at need. A line that
 * a crash cut off is dropped when the file is read. Synchronous: for threads that may wait.
 */
export class Journal {
  readonly #path: string
  readonly #header: string
  #fd: number | undefined

  constructor({ path, header }: JournalOptions) {
    this.#path = path
    this.#header = header
  }

  /**
   * Hands over every record of the file, in order. Returns how many lines could not be read (a torn end after a crash,
   * another kind or version of file): when there are any, the file wants to be rewritten.
   */
  read(onRecord: (record: unknown) => void): number {
    let damaged = 0
    let first = true
    for (const { text, ended } of linesIn(this.#path)) {
      const record = ended ? parsed(text) : undefined
      if (first) {
        if (text !== this.#header || !ended) return 1
        first = false
      } else if (record === undefined) damaged++
      else onRecord(record)
    }
    return damaged
  }

  append(records: Iterable<unknown>): void {
    const text = linesOf(records)
    if (text === '') return
    if (this.#fd === undefined) {
      this.#fd = openSync(this.#path, 'a', 0o644)
      if (this.#isEmpty(this.#fd)) writeAll(this.#fd, `${this.#header}\n`)
    }
    writeAll(this.#fd, text)
  }

  /** Atomic: whoever reads sees the old file or the new one, also after a crash. */
  rewrite(records: Iterable<unknown>): void {
    this.close()
    const folder = dirname(this.#path)
    mkdirSync(folder, { recursive: true })
    const beside = `${this.#path}.${process.pid}.new`
    const fd = openSync(beside, 'w', 0o644)
    try {
      writeAll(fd, `${this.#header}\n`)
      for (const batch of batches(records, 1000)) writeAll(fd, linesOf(batch))
      fsyncSync(fd)
    } catch (error) {
      rmSync(beside, { force: true })
      throw error
    } finally {
      closeSync(fd)
    }
    renameSync(beside, this.#path)
    syncFolder(folder)
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #isEmpty(fd: number): boolean {
    return fstatSync(fd).size === 0
  }
}

const CHUNK = 1024 * 1024

/** No lines when there is no file. `ended`: with a line break, as every whole line is. */
function* linesIn(path: string): Generator<{ text: string; ended: boolean }, void, undefined> {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw error
  }
  try {
    const chunk = Buffer.alloc(CHUNK)
    let rest = Buffer.alloc(0)
    for (let length = readSync(fd, chunk); length > 0; length = readSync(fd, chunk)) {
      const bytes = Buffer.concat([rest, chunk.subarray(0, length)])
      let from = 0
      for (let to = bytes.indexOf(10); to >= 0; to = bytes.indexOf(10, from)) {
        yield { text: bytes.toString('utf8', from, to), ended: true }
        from = to + 1
      }
      rest = bytes.subarray(from)
    }
    if (rest.length > 0) yield { text: rest.toString('utf8'), ended: false }
  } finally {
    closeSync(fd)
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function linesOf(records: Iterable<unknown>): string {
  let text = ''
  for (const record of records) text += `${JSON.stringify(record)}\n`
  return text
}

function* batches<T>(items: Iterable<T>, size: number): Generator<T[], void, undefined> {
  let batch: T[] = []
  for (const item of items) {
    if (batch.push(item) < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
