import { linkSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type BoundedFigure, boundsTable } from './bounds.ts'
import { median } from './measured-run.ts'
import type { BenchPackage } from './packages.ts'
import { freePort, type Service, startService, stop, untilListed, wrk } from './service.ts'
import { megabytes, ratio } from './table.ts'

const download = '/api/v1/install/client/download'

/** What downloads and event loops feel of two conversions beside them. */
export interface BesideFigures {
  /** Bytes per second of one cached TAR, again and again, with nothing beside it. */
  idle: number
  /** The same while two packages are converted. */
  converting: number
  /** Longest that an event loop stood still meanwhile, seconds. */
  blocked: { api: number; converter: number }
}

/** Issue 4's bounds beside what was measured. */
export function besideTable({ idle, converting, blocked }: BesideFigures): string {
  const loop = (who: string, seconds: number): BoundedFigure => ({
    what: `longest stop of the ${who}'s event loop meanwhile, ms`,
    figure: (seconds * 1000).toFixed(0),
    bound: '≤ 50',
    holds: seconds <= 0.05,
  })
  return boundsTable([
    {
      what: `download of a cached TAR beside two conversions (${megabytes(converting)} of ${megabytes(idle)} MB/s)`,
      figure: ratio(converting / idle),
      bound: '≥ 0.50',
      holds: converting >= idle / 2,
    },
    loop('API', blocked.api),
    loop('converter', blocked.converter),
  ])
}

/**
 * Downloads one cached TAR from a service of its own, alone and while it converts two packages that nobody asked for
 * before. Event loops are watched by perf_hooks.monitorEventLoopDelay in both processes; their metrics tell the longest stop.
 */
export async function besideFigures(
  cached: BenchPackage,
  converted: readonly [BenchPackage, BenchPackage],
  { folder, rounds, say }: { folder: string; rounds: number; say: (line: string) => void },
): Promise<BesideFigures> {
  const root = join(folder, 'beside')
  rmSync(root, { recursive: true, force: true })
  const packages = join(root, 'clientpkgs')
  mkdirSync(join(packages, 'rpm'), { recursive: true })
  for (const { name, rpm } of [cached, ...converted]) linkSync(rpm, join(packages, 'rpm', `${name}.rpm`))

  const opsPort = await freePort()
  const service = await startService(root, packages, opsPort)
  try {
    for (const { name } of [cached, ...converted]) await untilListed(`${service.origin}${download}/rpm/bench-${name}`)
    await tarOf(service, cached, 'tar.gz')
    const url = `${service.origin}${download}/tar/bench-${cached.name}`
    const idle: number[] = []
    const converting: number[] = []
    await longestStop(opsPort)
    await longestStop(opsPort + 1)
    // Each format is a conversion of its own: as many rounds as there are.
    for (const format of ['tar.gz', 'tar.zst', 'tar'].slice(0, Math.max(1, rounds))) {
      idle.push((await wrk(url, 1)).bytesPerSecond)
      let running = converted.length
      const conversions = converted.map(async pack => {
        await tarOf(service, pack, format)
        running--
      })
      const beside = (await wrk(url, 1)).bytesPerSecond
      // What ended before wrk did was not beside it all the time.
      if (running === converted.length || format === 'tar.gz') converting.push(beside)
      say(
        `beside two conversions to ${format}: ${megabytes(beside)} MB/s of ${megabytes(idle.at(-1)!)}, ${running} still running`,
      )
      await Promise.all(conversions)
    }
    const blocked = { api: await longestStop(opsPort), converter: await longestStop(opsPort + 1) }
    return { idle: median(idle), converting: median(converting), blocked }
  } finally {
    await stop(service.process)
    rmSync(root, { recursive: true, force: true })
  }
}

async function tarOf(service: Service, { name }: BenchPackage, format: string): Promise<void> {
  const url = `${service.origin}${download}/tar/bench-${name}?format=${format}`
  const answer = await fetch(url, { method: 'HEAD' })
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`)
}

/** Seconds since it was last asked, as prom-client reads them from monitorEventLoopDelay. */
async function longestStop(opsPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()
  const found = /^\w*nodejs_eventloop_lag_max_seconds (\S+)/m.exec(text)?.[1]
  if (found === undefined) throw new Error(`port ${opsPort} tells no event loop lag`)
  return Number(found)
}
