import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { ClientLeftError, Connection } from './connection.ts'
import type { FileBody } from './file-body.ts'
import type { ReadBudget } from './read-budget.ts'

const READ_BYTES = 512 * 1024
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

/** Two buffers a download: the next piece is read while the last one is being written. */
async function sendPieces(connection: Connection, body: FileBody, budget: ReadBudget): Promise<void> {
  const end = body.start + body.length
  let position = body.start
  let slow = false
  let ahead: Promise<Piece> | undefined
  const readNext = () =>
    readPiece(body, budget, position, Math.min(end - position, slow ? SLOW_READ_BYTES : READ_BYTES))
  try {
    while (position < end) {
      const piece = await (ahead ?? readNext())
      ahead = undefined
      position += piece.bytes.length
      const began = performance.now()
      const written = connection.write(piece.bytes)
      if (!slow && position < end) ahead = observed(readNext())
      await written.finally(() => budget.give(piece.buffer))
      body.sent += piece.bytes.length
      slow = performance.now() - began > SLOW_WRITE_MS
    }
  } finally {
    // A read that still runs needs its descriptor and its buffer.
    await ahead?.then(piece => budget.give(piece.buffer), ignoreFailedRead)
  }
}

interface Piece {
  /** The whole buffer, as the budget knows it. */
  buffer: Buffer
  /** What of it is to be sent. */
  bytes: Buffer
}

async function readPiece(body: FileBody, budget: ReadBudget, position: number, wanted: number): Promise<Piece> {
  const buffer = budget.take(wanted)
  try {
    const bytes = buffer.subarray(0, Math.min(wanted, buffer.length))
    await body.read(bytes, position)
    return { buffer, bytes }
  } catch (error) {
    budget.give(buffer)
    throw error
  }
}

/** Whoever awaits it later sees the failure; until then it is not an unhandled one. */
function observed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignoreFailedRead)
  return promise
}

function ignoreFailedRead(): void {}
