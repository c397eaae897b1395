import { readdirSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { identityText } from '../identity.ts'
import type { PlannedPackages } from '../plan/make-plan.ts'
import type { Universe } from '../plan/universe.ts'
import type { CatalogEntry } from './entry.ts'
import { keyOf } from './entry.ts'
import { Inventory } from './inventory.ts'
import type { Change, InventorySettings, Order, PlanQuestion, Report } from './messages.ts'
import { RelationStore } from './relation-store.ts'
import { CatalogState } from './state.ts'

// The inventory works here, with synchronous calls, so that neither a slow file server nor a large package holds up
// whoever answers nodes.

/** Changes handed over at a time: the receiver's event loop is not to notice. */
const MOST_CHANGES = 200
const POLL_MS = 500
const FLUSH_MS = 50

const { stateFolder, ...settings } = workerData as InventorySettings

const state = CatalogState.open(stateFolder, warn)
const relations = new RelationStore(state.isKept ? stateFolder : undefined, entry => inventory.relationsOf(entry))
let changes: Change[] = []
let flushTimer: NodeJS.Timeout | undefined
/** Counts what the plans depend on. */
let generation = 0
const universes = new Map<string, { generation: number; universe: Universe }>()

const inventory = new Inventory({ ...settings, pollMs: POLL_MS }, state, {
  listed(entry) {
    generation++
    changed({ entry, sha256: state.sha256(keyOf(entry), entry.identity) })
  },
  unlisted(key) {
    generation++
    changed({ unlisted: key })
  },
  problem: (key, problem) => changed({ key, problem }),
  reading: (key, identity) => report({ kind: 'reading', key, identity: identityText(identity) }),
  read: key => report({ kind: 'read', key }),
  relations: (entry, found) => relations.put(entry, found),
  scanned: () => report({ kind: 'scanned', at: Date.now(), readable: isReadable(settings.folder) }),
})

parentPort!.on('message', (order: Order) => {
  obey(order).catch((error: unknown) => {
    if ('id' in order) report({ kind: 'answer', id: order.id, error: (error as Error).stack ?? String(error) })
  })
})
void inventory.refresh().then(() => {
  flush()
  report({ kind: 'ready' })
})
await inventory.run()

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case 'refresh':
      await inventory.refresh()
      flush()
      return report({ kind: 'answer', id: order.id })
    case 'plan':
      return report({ kind: 'answer', id: order.id, plan: await planFor(order.question) })
    case 'recheck':
      return inventory.recheck(order.key)
    case 'hashed':
      state.learnSha256(order.key, order.identity, order.sha256)
      return flushSoon()
    case 'close':
      inventory.stop()
      flush()
      state.close()
      relations.close()
      report({ kind: 'answer', id: order.id })
      parentPort!.close()
  }
}

async function planFor({ type, arch, wanted }: PlanQuestion): Promise<PlannedPackages> {
  const { makePlan } = await import('../plan/make-plan.ts')
  return makePlan(await universeOf(type), wanted, arch)
}

/** Built when the first plan asks for it, and again when packages came or went. */
async function universeOf(type: CatalogEntry['type']): Promise<Universe> {
  const kept = universes.get(type)
  if (kept?.generation === generation) return kept.universe
  const built = generation
  const types = type === 'tar' ? ['rpm', 'tar'] : [type]
  const entries = [...inventory.entries()].filter(entry => types.includes(entry.type))
  const { Universe } = await import('../plan/universe.ts') // with the first plan: a start needs none of it
  const universe = new Universe(type, await relations.of(entries))
  universes.set(type, { generation: built, universe })
  return universe
}

function changed(change: Change): void {
  changes.push(change)
  if (changes.length >= MOST_CHANGES) flush()
  else flushSoon()
}

function flushSoon(): void {
  flushTimer ??= setTimeout(flush, FLUSH_MS)
}

function flush(): void {
  clearTimeout(flushTimer)
  flushTimer = undefined
  if (changes.length > 0) report({ kind: 'changes', changes })
  changes = []
  try {
    state.flush()
    relations.flush()
  } catch (error) {
    warn('the index of packages cannot be written', error)
  }
}

function isReadable(folder: string): boolean {
  try {
    readdirSync(folder)
    return true
  } catch {
    return false
  }
}

function warn(message: string, error: unknown): void {
  report({ kind: 'log', level: 'warn', message, facts: { error: (error as Error).message, stateFolder } })
}

function report(message: Report): void {
  parentPort!.postMessage(message)
}
