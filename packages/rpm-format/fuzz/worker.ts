import { join } from 'node:path'
import { loadKeyring } from '../src/openpgp/keyring.ts'
import { loadBases } from './bases.ts'
import { makeCase, runCase } from './case.ts'

/** What the parent sends: a range of cases, from inclusive, to exclusive. */
export interface Order {
  seed: number
  from: number
  to: number
}

export type Message =
  | { kind: 'ready' }
  | { kind: 'start'; number: number }
  | { kind: 'passed'; verdict: string }
  | { kind: 'failed'; number: number; error: string }
  /** The process never took as much memory before, in bytes. */
  | { kind: 'grew'; number: number; peakMemory: number }
  | { kind: 'done' }

const tidyAbove = 64 * 1024 * 1024
const bases = await loadBases()
const keyring = await loadKeyring(join(import.meta.dirname, '../test/fixtures/keys'))

// The terminal interrupts us too, but it is the parent who ends us.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
process.on('disconnect', () => process.exit())
process.on('message', (order: Order) => void work(order))
send({ kind: 'ready' })

async function work({ seed, from, to }: Order): Promise<void> {
  for (let number = from; number < to; number++) {
    send({ kind: 'start', number })
    // What earlier cases left is not this one's memory.
    if (process.memoryUsage().arrayBuffers > tidyAbove) globalThis.gc?.()
    const before = peakMemory()
    try {
      send({ kind: 'passed', verdict: await runCase(makeCase(bases, seed, number), keyring) })
    } catch (error) {
      send({ kind: 'failed', number, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
    if (peakMemory() > before) send({ kind: 'grew', number, peakMemory: peakMemory() })
  }
  send({ kind: 'done' })
}

function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024
}

function send(message: Message): void {
  process.send!(message, undefined, undefined, error => {
    // The parent is gone.
    if (error) process.exit()
  })
}
