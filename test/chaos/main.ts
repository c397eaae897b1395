import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { requireOwnRedis, requireTool } from '../support/requires.ts'
import { CodeState } from './code-state.ts'
import { FAULTS, type Scene } from './faults.ts'
import { Installation } from './installation.ts'
import { Load } from './load.ts'
import { buildPackages } from './packages.ts'
import { Seeded } from './seeded.ts'
import { judge, type Verdict } from './verdict.ts'

// usage: npx pnpm@12 chaos [--minutes 10] [--seed 1] [--clients 16]
// Two APIs, three converters and a Redis as processes, clients that download without end, and something that goes
// wrong every second or two. Ends with the counts; exits 0 only if all that must be 0 is.

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '16' },
  },
})
// Whatever ends this process takes its services and its disk along: they are ended at its exit.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(130))
if (!requireTool('rpmbuild') || !requireOwnRedis()) process.exit(2)
process.exitCode = (await chaos(Number(values.minutes), Number(values.seed), Number(values.clients))) ? 0 : 1

async function chaos(minutes: number, seed: number, clients: number): Promise<boolean> {
  const code = new CodeState()
  const folder = mkdtempSync(join(tmpdir(), 'diskful-chaos-'))
  const installation = await Installation.start({ apis: 2, converters: 3 })
  try {
    const packages = buildPackages(folder, join(installation.head.packages, 'rpm'), 24)
    for (const each of packages) each.place(0)
    await delay(3000)
    const random = new Seeded(seed)
    const scene: Scene = { installation, packages, random, held: new Set(), damaged: new Map() }
    const load = new Load(() => installation.apis.map(({ service }) => service.url), packages, new Seeded(seed + 1))
    load.start(clients)
    const faults = await makeTrouble(scene, load, minutes)
    await load.stop()
    return report({ ...(await judge(scene, load)), editedFiles: code.edited() }, load, faults, installation)
  } finally {
    await installation.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Starts a fault every second or two; some are under way at the same time. Gives how often each was done. */
async function makeTrouble(scene: Scene, load: Load, minutes: number): Promise<Record<string, number>> {
  const done: Record<string, number> = {}
  const names = Object.keys(FAULTS)
  const end = performance.now() + minutes * 60_000
  const underWay = new Set<Promise<void>>()
  let failure: unknown
  for (let turn = 1; performance.now() < end && failure === undefined; turn++) {
    await delay(scene.random.between(500, 2500))
    const name = scene.random.pick(names, each => FAULTS[each]?.weight ?? 0)
    const fault = (async () => {
      if (await FAULTS[name]?.run(scene)) done[name] = (done[name] ?? 0) + 1
    })()
    const watched = fault.catch((error: unknown) => void (failure ??= error)).finally(() => underWay.delete(watched))
    underWay.add(watched)
    if (turn % 20 === 0) process.stdout.write(`${turn} faults, ${load.counts.requests} requests\n`)
  }
  await Promise.all(underWay)
  if (failure !== undefined) throw failure
  return done
}

function report(verdict: Verdict, load: Load, faults: Record<string, number>, { head }: Installation): boolean {
  const zeros = Object.entries(verdict) as [keyof Verdict, readonly string[]][]
  const print = (name: string, value: unknown): void => {
    process.stdout.write(`${name.padEnd(20)} ${typeof value === 'number' ? value : JSON.stringify(value)}\n`)
  }
  print('faults', faults)
  print('requests', load.counts.requests)
  print('answers', load.counts.answers)
  print('conversions', head.conversionsLogged())
  for (const [name, found] of zeros) print(name, found.length)
  for (const [name, found] of zeros) for (const each of found.slice(0, 10)) process.stdout.write(`${name}: ${each}\n`)
  return zeros.every(([, found]) => found.length === 0)
}
