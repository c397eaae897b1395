import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { until } from '../support/ports.ts'
import { fingerprint, type Scene } from './faults.ts'
import type { Load } from './load.ts'

/** What must be empty at the end; each entry says what was found. */
export interface Verdict {
  wrongBodies: readonly string[]
  neverEnded: readonly string[]
  unclearErrors: readonly string[]
  notRecovered: readonly string[]
  stagingLeftOvers: readonly string[]
  wrongTars: readonly string[]
  /** Code that changed while services were started from it: the run proves nothing then. */
  editedFiles: readonly string[]
}

/** After the faults: everything has to answer again, and nothing half-made may stay. */
export async function judge(scene: Scene, load: Load): Promise<Omit<Verdict, 'editedFiles'>> {
  const notRecovered = await askForEverything(scene, load)
  const { wrongBodies, neverEnded, unclearErrors } = load.counts
  return {
    wrongBodies,
    neverEnded,
    unclearErrors,
    notRecovered,
    stagingLeftOvers: await stagingLeftOvers(scene),
    wrongTars: await wrongTars(scene),
  }
}

/** Packages that no API gives a minute after the last fault. */
async function askForEverything({ installation, packages }: Scene, load: Load): Promise<string[]> {
  const failed: string[] = []
  for (const { service } of installation.apis) {
    for (const wanted of packages) {
      const ok = async () => ((await load.request(service.url, wanted, 'tar.gz')).status === 200 ? true : undefined)
      await until(ok, { seconds: 60, everyMs: 1000, otherwise: () => `${wanted.name} from ${service.url}` }).catch(
        (error: unknown) => failed.push(String(error)),
      )
    }
  }
  return failed
}

/** Converters look after the cache every few seconds here (CACHE_CARE_SECONDS). */
async function stagingLeftOvers({ installation }: Scene): Promise<string[]> {
  const empty = async () => (installation.head.staging().length === 0 ? true : undefined)
  await until(empty, { seconds: 60, everyMs: 500, otherwise: () => 'left-overs' }).catch(() => {})
  return installation.head.staging()
}

/** Stored TARs that are not what their meta.json says, but for those damaged here and not asked for since. */
async function wrongTars({ installation, damaged }: Scene): Promise<string[]> {
  const wrong: string[] = []
  for (const { path, sha256, nevra } of installation.head.storedTars()) {
    // Evicted since the list was made.
    if (!existsSync(path)) continue
    if (damaged.get(path) === fingerprint(path)) continue
    const hash = createHash('sha256')
    await pipeline(createReadStream(path), hash)
    if (hash.digest('hex') !== sha256) wrong.push(`${nevra}: ${path}`)
  }
  return wrong
}
