import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { mapped, textPieces } from './text-pieces.ts'

/** For terminals and logs: control characters and what turns text around are escaped. */
export function printable(text: string): string {
  return text.replace(
    /[^\x20-\x7e\xa0-\uffff]|[\u2028-\u202e\u2066-\u2069]/g,
    char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

export async function writeLines(lines: Iterable<string>): Promise<void> {
  await writeToStdout(
    textPieces(
      mapped(lines, line => `${line}\n`),
      'utf8',
    ),
  )
}

/** At the reader's pace, each chunk gone before the next is asked for; throws what the stream's error says, EPIPE where the reader has gone. */
export async function writeToStdout(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  // The writes below say it too, but an error that nobody listens to ends the process.
  process.stdout.on('error', () => undefined)
  for await (const chunk of chunks) {
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(chunk, error => (error ? reject(error) : resolve()))
    })
  }
}

/** The file appears, complete and on disk, when all chunks are written, or not at all. */
export async function writeWholeFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const staging = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`)
  const interrupted = (signal: NodeJS.Signals) => {
    rmSync(staging, { force: true })
    process.removeListener(signal, interrupted)
    process.kill(process.pid, signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.once(signal, interrupted)
  try {
    await writeAndSync(await open(staging, 'wx'), chunks)
    await rename(staging, path)
  } catch (error) {
    await rm(staging, { force: true })
    // The caller named the file; the name beside it is ours.
    if (error instanceof Error) error.message = error.message.replaceAll(staging, path)
    throw error
  } finally {
    for (const signal of signals) process.removeListener(signal, interrupted)
  }
  await syncFolder(dirname(path))
}

async function writeAndSync(file: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of chunks) await writeAll(file, chunk)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    written += (await file.write(chunk, written)).bytesWritten
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
