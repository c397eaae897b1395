import { spawnSync } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BoundedFigure } from './bounds.ts'
import { type MeasuredRun, measuredRun, median } from './measured-run.ts'
import type { BenchPackage } from './packages.ts'
import { rpmFormat } from './rpm-format.ts'
import { megabytes, ratio } from './table.ts'

/** A way from an RPM to a TAR on standard output; the RPM is on standard input too. */
interface Contender {
  name: string
  command: (rpm: string) => readonly [string, ...string[]]
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

const ours = (format: 'gzip' | 'zstd' | 'none'): Contender['command'] => {
  return rpm => [...rpmFormat, 'tar', '--layout', 'root', '--compress', format, rpm]
}

const reference = 'rpm2archive'
const contenders: readonly Contender[] = [
  { name: reference, command: () => ['rpm2archive', '-'] },
  { name: 'bsdtar', command: rpm => ['bsdtar', '-cz', `@${rpm}`] },
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
  const installed = contenders.filter(({ command }) => available(command('')[0]))
  for (const pack of packages) {
    const runs = new Map<string, (MeasuredRun & { outputBytes: number })[]>(installed.map(({ name }) => [name, []]))
    const convert = async ({ command }: Contender) => {
      const output = join(options.folder, 'out.tmp')
      const [program, ...args] = command(pack.rpm)
      const run = await measuredRun(program, args, { input: pack.rpm, output })
      const outputBytes = statSync(output).size
      rmSync(output)
      return { ...run, outputBytes }
    }
    // Once unmeasured: the RPM gets into the page cache, the stripped sources into the compile cache.
    await convert(contenders.at(-1)!)
    for (let round = 0; round < options.rounds; round++) {
      for (const contender of installed) {
        const run = await convert(contender)
        runs.get(contender.name)!.push(run)
        options.say(`${pack.name} ${contender.name} round ${round + 1}: ${run.seconds.toFixed(2)} s`)
      }
    }
    rows.push(...rowsOf(pack, runs))
  }
  return rows
}

function rowsOf(pack: BenchPackage, runs: Map<string, (MeasuredRun & { outputBytes: number })[]>): ConversionRow[] {
  const references = runs.get(reference)
  if (!references) throw new Error('rpm2archive is not installed: there is nothing to compare with')
  const referenceSeconds = median(references.map(run => run.seconds))
  return [...runs].map(([contender, measured]) => {
    const seconds = median(measured.map(run => run.seconds))
    return {
      package: pack.name,
      what: pack.what,
      contender,
      seconds,
      speedRatio: referenceSeconds / seconds,
      outputBytes: measured[0]!.outputBytes,
      sizeRatio: measured[0]!.outputBytes / references[0]!.outputBytes,
      peakRss: Math.max(...measured.map(run => run.peakRss)),
    }
  })
}

/** How many times as fast as rpm2archive, and how large at most, by package and contender. */
const bounds: readonly (readonly [packages: readonly string[], contender: string, speed: number, size: number])[] = [
  [['zstd', 'gzip'], 'diskful .tar.gz', 3, 1.03],
  [['xz', 'xz-blocks'], 'diskful .tar.gz', 2.5, 1.03],
  [['zstd', 'gzip'], 'diskful .tar.zst', 6, 1],
  [['small-files'], 'diskful .tar.gz', 2, 1.05],
]
const mostRss = 200e6

/** Issue 4's bounds beside what was measured. */
export function conversionBounds(rows: readonly ConversionRow[]): BoundedFigure[] {
  const own = rows.filter(row => row.contender.startsWith('diskful'))
  const figures = own.flatMap(row => {
    const bound = bounds.find(([packages, name]) => packages.includes(row.package) && name === row.contender)
    if (!bound) return []
    const [, , speed, size] = bound
    const what = `${row.what} → ${row.contender.replace('diskful ', '')}`
    return [
      {
        what: `${what}, times as fast as rpm2archive`,
        figure: ratio(row.speedRatio),
        bound: `≥ ${ratio(speed)}`,
        holds: row.speedRatio >= speed,
      },
      {
        what: `${what}, size to rpm2archive's`,
        figure: row.sizeRatio.toFixed(3),
        bound: `≤ ${size.toFixed(3)}`,
        holds: row.sizeRatio <= size,
      },
    ]
  })
  const worst = own.reduce((most, row) => (row.peakRss > most.peakRss ? row : most))
  return [
    ...figures,
    {
      what: `peak RSS of any conversion (${worst.what}, ${worst.contender}), MB`,
      figure: megabytes(worst.peakRss),
      bound: `≤ ${megabytes(mostRss)}`,
      holds: worst.peakRss <= mostRss,
    },
  ]
}

function available(command: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command], { stdio: 'ignore' }).status === 0
}
