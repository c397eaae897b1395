import type { ApiDependencies } from './dependencies.ts'
import { sharedAnswer } from './shared-answer.ts'

const ANSWER_AGE_MS = 1000
const LITTLE_DISK = 0.05

export interface Reason {
  /** kebab-case, for programs. */
  code: string
  message: string
}

export interface Readiness {
  /** `degraded`: answers what it has, cannot do all it should. `not ready`: send nobody here. */
  status: 'ready' | 'degraded' | 'not ready'
  reasons: Reason[]
  packages: { folder: string; rpm: number; deb: number; tar: number; unreadable: number }
  conversions: { converters: number; waiting: number; active: number; waitingRequests: number }
}

/** What this process can do for nodes now, found out at most once a second. */
export function readinessOf(dependencies: ApiDependencies): () => Promise<Readiness> {
  const { catalog } = dependencies
  let scanned = false
  catalog.ready.then(
    () => {
      scanned = true
    },
    () => {}, // the catalog's own status says what is wrong
  )
  return sharedAnswer(ANSWER_AGE_MS, () => lookAround(dependencies, scanned))
}

async function lookAround(
  { catalog, store, queue, isStopping }: ApiDependencies,
  scanned: boolean,
): Promise<Readiness> {
  const [packages, cache, conversions] = [catalog.status(), await store.status(), await queue.status()]
  const fatal: Reason[] = []
  const reasons: Reason[] = []
  if (isStopping?.()) fatal.push({ code: 'shutting-down', message: 'This process is ending.' })
  if (!scanned) fatal.push({ code: 'catalog-scanning', message: 'The package folders are being read.' })
  if (!packages.readable) {
    reasons.push({ code: 'packages-unreadable', message: `${packages.folder} is absent or cannot be read.` })
  }
  if (!cache.readable)
    reasons.push({ code: 'cache-unreadable', message: cache.message ?? `${cache.folder} cannot be read.` })
  if (!packages.readable && !cache.readable) fatal.push({ code: 'nothing-to-serve', message: 'No folder can be read.' })
  if ((cache.freeShare ?? 1) < LITTLE_DISK) {
    const percent = Math.floor((cache.freeShare ?? 0) * 100)
    reasons.push({ code: 'disk-nearly-full', message: `${percent} % of the disk of ${cache.folder} are free.` })
  }
  if (!conversions.reachable) {
    reasons.push({
      code: 'queue-away',
      message: conversions.message ?? 'Redis does not answer: TARs from the cache only.',
    })
  } else if (conversions.converters === 0) {
    reasons.push({ code: 'no-converter', message: 'No converter is running: TARs from the cache only.' })
  }
  if (conversions.evictionPolicyOk === false) {
    reasons.push({
      code: 'eviction-policy',
      message: "Redis may drop jobs: its maxmemory-policy must be 'noeviction'.",
    })
  }
  return {
    status: fatal.length > 0 ? 'not ready' : reasons.length > 0 ? 'degraded' : 'ready',
    reasons: [...fatal, ...reasons],
    packages: { folder: packages.folder, ...packages.counts, unreadable: packages.errorCount },
    conversions: {
      converters: conversions.converters,
      waiting: conversions.waiting + conversions.delayed,
      active: conversions.active,
      waitingRequests: conversions.waiters,
    },
  }
}
