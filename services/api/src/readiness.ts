import type { ApiDependencies } from './dependencies.ts'
import { isListed } from './downloads/catalog-listed.ts'
import { sharedAnswer } from './shared-answer.ts'

const ANSWER_AGE_MS = 1000
const LITTLE_DISK = 0.05
/** A cache that fills its disk as far as it may has about as much left as it must: a bit below that others filled it. */
const BELOW_MINIMUM = 0.9

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
  return sharedAnswer(ANSWER_AGE_MS, () => lookAround(dependencies))
}

async function lookAround({ catalog, config, store, queue, isStopping }: ApiDependencies): Promise<Readiness> {
  const listed = await isListed(catalog)
  const packages = catalog.status()
  const [cache, conversions] = await Promise.all([store.status(), queue.status()])
  const littleDisk = Math.max(LITTLE_DISK, config.cacheMinFreeShare * BELOW_MINIMUM)
  const free = cache.freeShare ?? 1
  const nothingToServe = listed && !packages.readable && !cache.readable
  const fatal = reasonsOf([
    [isStopping?.(), 'shutting-down', 'This process is ending.'],
    [!listed, 'catalog-scanning', 'The package folders are being read.'],
    [nothingToServe, 'nothing-to-serve', 'Neither the package folder nor the cache can be read.'],
  ])
  const lesser = reasonsOf([
    [listed && !packages.readable, 'packages-unreadable', `${packages.folder} is absent or cannot be read.`],
    [!cache.readable, 'cache-unreadable', cache.message ?? `${cache.folder} cannot be read.`],
    [
      free < littleDisk,
      'disk-nearly-full',
      `The disk of ${cache.folder} has ${Math.round(free * 100)} % left: new TARs may find no room.`,
    ],
    [!conversions.reachable, 'queue-away', conversions.message ?? 'Redis does not answer: TARs from the cache only.'],
    [
      conversions.reachable && conversions.converters === 0,
      'no-converter',
      'No converter is running: TARs from the cache only.',
    ],
    [
      conversions.evictionPolicyOk === false,
      'eviction-policy',
      "Redis may drop jobs: set its maxmemory-policy to 'noeviction'.",
    ],
  ])
  return {
    status: fatal.length > 0 ? 'not ready' : lesser.length > 0 ? 'degraded' : 'ready',
    reasons: [...fatal, ...lesser],
    packages: { folder: packages.folder, ...packages.counts, unreadable: packages.errorCount },
    conversions: {
      converters: conversions.converters,
      waiting: conversions.waiting + conversions.delayed,
      active: conversions.active,
      waitingRequests: conversions.waiters,
    },
  }
}

function reasonsOf(
  checks: readonly (readonly [holds: boolean | undefined, code: string, message: string])[],
): Reason[] {
  return checks.filter(([holds]) => holds).map(([, code, message]) => ({ code, message }))
}
