import { once } from 'node:events'
import type { Server } from 'node:http'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'

/** For the last answers, those that say why a wait ended. */
const LAST_ANSWERS_MS = 1000
/** More than a listening socket's queue holds, and an end where clients never pause. */
const MOST_ACCEPTING_TURNS = 10_000

/**
 * Stops accepting and lets running requests end by themselves for `limitMs`. Then `endWaits` is to make those answer that
 * still wait for something, and whatever is left is cut off.
 */
export async function closeWithin(server: Server, limitMs: number, endWaits: () => Promise<void>): Promise<void> {
  const closed = once(server, 'close')
  await acceptWaiting(server)
  server.close()
  if (await endsWithin(closed, limitMs)) return
  const waitsEnded = endWaits()
  if (!(await endsWithin(closed, LAST_ANSWERS_MS))) server.closeAllConnections()
  await Promise.all([closed, waitsEnded])
}

/**
 * Until a whole turn of the event loop met no new connection: the kernel resets those that it has established and nobody
 * accepted at close(), and libuv accepts one a turn. The first turn does not count: its poll may have passed already.
 */
async function acceptWaiting(server: Server): Promise<void> {
  let quietTurns = 0
  const beginAgain = () => {
    quietTurns = 0
  }
  server.on('connection', beginAgain)
  for (let turn = 0; quietTurns < 2 && turn < MOST_ACCEPTING_TURNS; turn++) {
    quietTurns++
    await nextTurn()
  }
  server.off('connection', beginAgain)
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
