import { spawnSync } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type MeasuredRun, measuredRun, median } from './measured-run.ts'
import type { BenchPackage } from './packages.ts'

/** A way from an RPM to a TAR. */
interface Contender {
  name: string
  command: (rpm: string, out: string) => [string, string[]]
}

/** Medians over the rounds for one package and one contender; ratios are against rpm2archive on the same package. */
export interface ConversionRow {
  package: string
  what: string
  contender: string
  seconds: number
  /** How many times as fast as rpm2archive. */
  speedRatio: number
  outputBytes: number
  /** Size of the output over that of rpm2archive. */
  sizeRatio: number
  peakRss: number
}

const cli = fileURLToPath(new URL('../../packages/rpm-format/src/cli.ts', import.meta.url))
const ours = (format: 'gzip' | 'zstd' | 'none', layout: 'root' | 'scyld' = 'root'): Contender['command'] => {
  return (rpm, out) => [process.execPath, [cli, 'tar', '--layout', layout, '--compress', format, '-o', out, rpm]]
}

const contenders: readonly Contender[] = [
  { name: 'rpm2archive', command: (rpm, out) => ['sh', ['-c', 'exec rpm2archive - <"$1" >"$2"', 'sh', rpm, out]] },
  { name: 'bsdtar', command: (rpm, out) => ['bsdtar', ['-czf', out, `@${rpm}`]] },
  { name: 'diskful .tar.gz', command: ours('gzip') },
  { name: 'diskful .tar.zst', command: ours('zstd') },
  { name: 'diskful .tar', command: ours('none') },
]

/**
 * Converts every package with every contender, in turn, `rounds` times. Taking turns spreads whatever else the machine
 * does over all of them.
 */
export async function conversionTable(
  packages: readonly BenchPackage[],
  options: { folder: string; rounds: number; say: (line: string) => void },
): Promise<ConversionRow[]> {
  const rows: ConversionRow[] = []
  for (const pack of packages) {
    const runs = new Map<string, (MeasuredRun & { outputBytes: number })[]>()
    for (let round = 0; round < options.rounds; round++) {
      for (const { name, command } of contenders) {
        if (!available(command(pack.rpm, '/dev/null')[0])) continue
        const out = join(options.folder, 'out.tmp')
        const run = await measuredRun(...command(pack.rpm, out))
        const outputBytes = statSync(out).size
        rmSync(out)
        runs.set(name, [...(runs.get(name) ?? []), { ...run, outputBytes }])
        options.say(`${pack.name} ${name} round ${round + 1}: ${run.seconds.toFixed(2)} s`)
      }
    }
    const reference = runs.get('rpm2archive')
    if (!reference) throw new Error('rpm2archive is not installed: there is nothing to compare with')
    const referenceSeconds = median(reference.map(run => run.seconds))
    for (const [contender, measured] of runs) {
      const seconds = median(measured.map(run => run.seconds))
      rows.push({
        package: pack.name,
        what: pack.what,
        contender,
        seconds,
        speedRatio: referenceSeconds / seconds,
        outputBytes: measured[0]!.outputBytes,
        sizeRatio: measured[0]!.outputBytes / reference[0]!.outputBytes,
        peakRss: Math.max(...measured.map(run => run.peakRss)),
      })
    }
  }
  return rows
}

function available(command: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command], { stdio: 'ignore' }).status === 0
}
