import { once } from 'node:events'
import type { Server } from 'node:http'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'

/** For the last answers, those that say why a wait ended. */
const LAST_ANSWERS_MS = 1000

/**
 * Stops accepting and lets running requests end by themselves for `limitMs`. Then `endWaits` is to make those answer that
 * still wait for something, and whatever is left is cut off.
 */
export async function closeWithin(server: Server, limitMs: number, endWaits: () => Promise<void>): Promise<void> {
  const closed = once(server, 'close')
  // Right after a poll every connection that waited is accepted; the kernel resets those that still wait at close().
  await nextTurn()
  server.close()
  if (await endsWithin(closed, limitMs)) return
  const waitsEnded = endWaits()
  if (!(await endsWithin(closed, LAST_ANSWERS_MS))) server.closeAllConnections()
  await Promise.all([closed, waitsEnded])
}

async function endsWithin(end: Promise<unknown>, ms: number): Promise<boolean> {
  const giveUp = new AbortController()
  const ended = end.then(() => true)
  const late = delay(ms, false, { signal: giveUp.signal })
  try {
    return await Promise.race([ended, late])
  } finally {
    late.catch(() => {}) // its abort is what we want
    giveUp.abort()
  }
}
