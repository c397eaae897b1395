import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { ClientLeftError, Connection } from './connection.ts'
import type { FileBody } from './file-body.ts'
import type { ReadBudget } from './read-budget.ts'

const READ_BYTES = 512 * 1024
/** More of smaller pieces were slower for one client beside a busy machine: 256 KiB and 3, 512 KiB and 2 (measured). */
const PIECES_AHEAD = 1
/** A reader that takes longer than this for one buffer gets smaller ones, one at a time. */
const SLOW_WRITE_MS = 250
const SLOW_READ_BYTES = 64 * 1024
/** A connection that takes no byte for this long is given up. */
const STALLED_MS = 10 * 60_000

export type SendResult = { end: 'complete' } | { end: 'client-left' } | { end: 'failed'; error: unknown }

/**
 * Writes head and body straight to Node's response, which is faster than web streams by half. Never rejects: after the
 * head, only the end of the connection can tell the client that something went wrong. Closes the body.
 */
export async function sendFile(
  outgoing: ServerResponse,
  head: { status: number; headers: OutgoingHttpHeaders },
  body: FileBody,
  budget: ReadBudget,
): Promise<SendResult> {
  const connection = new Connection(outgoing)
  try {
    connection.check()
    outgoing.writeHead(head.status, head.headers)
    outgoing.setTimeout(STALLED_MS)
    await sendPieces(connection, body, budget)
    outgoing.end()
    return { end: 'complete' }
  } catch (error) {
    outgoing.destroy()
    return error instanceof ClientLeftError ? { end: 'client-left' } : { end: 'failed', error }
  } finally {
    connection.release()
    await body.close()
  }
}

/** While one piece is being written, the next ones are read: the socket never waits for the disk's answer. */
async function sendPieces(connection: Connection, body: FileBody, budget: ReadBudget): Promise<void> {
  const end = body.start + body.length
  const ahead: Piece[] = []
  let position = body.start
  let slow = false
  const readAhead = (pieces: number) => {
    while (ahead.length < pieces && position < end) {
      const piece = readPiece(body, budget, position, Math.min(end - position, slow ? SLOW_READ_BYTES : READ_BYTES))
      position += piece.bytes.length
      ahead.push(piece)
    }
  }
  try {
    for (readAhead(1); ahead.length > 0; readAhead(1)) {
      const piece = ahead.shift()!
      try {
        await piece.read
        const began = performance.now()
        const written = connection.write(piece.bytes)
        if (!slow) readAhead(PIECES_AHEAD)
        await written
        slow = performance.now() - began > SLOW_WRITE_MS
      } finally {
        budget.give(piece.buffer)
      }
      body.sent += piece.bytes.length
    }
  } finally {
    // Reads that still run need their descriptor and their buffers.
    for (const piece of ahead) await piece.read.catch(ignoreFailedRead).finally(() => budget.give(piece.buffer))
  }
}

interface Piece {
  /** The whole buffer, as the budget knows it. */
  buffer: Buffer
  /** What of it is to be sent, once it is read. */
  bytes: Buffer
  read: Promise<void>
}

function readPiece(body: FileBody, budget: ReadBudget, position: number, wanted: number): Piece {
  const buffer = budget.take(wanted)
  const bytes = buffer.subarray(0, Math.min(wanted, buffer.length))
  return { buffer, bytes, read: observed(body.read(bytes, position)) }
}

/** Whoever awaits it later sees the failure; until then it is not an unhandled one. */
function observed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignoreFailedRead)
  return promise
}

function ignoreFailedRead(): void {}
