import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { besideFigures } from './beside.ts'
import { catalogFigures } from './catalog.ts'
import { conversionTable } from './conversion.ts'
import { machineLine, toolVersion } from './machine.ts'
import { benchPackages, inBenchOrder } from './packages.ts'
import { earlierResults, reportText, saveResults } from './results.ts'
import { servingFigures } from './service.ts'

const usage = `usage: pnpm bench [--part conversion|beside|service|catalog]… [--package NAME]… [--rounds N] [--folder DIR] [--results DIR]

  --part      measure only these parts; all by default
  --package   convert only these: zstd gzip xz xz-blocks bzip2 small-files incompressible
  --rounds    runs of each contender, in turn; the median counts (default 3)
  --folder    where the RPMs are built and kept for the next run (default /var/tmp/diskful-bench; 3 GB)
  --results   where results.json, results.md and conversion.svg go (default bench/results); parts and packages that are
              not measured keep what stands there
`

const { values: options } = parseArgs({
  options: {
    part: { type: 'string', multiple: true },
    package: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string', default: '/var/tmp/diskful-bench' },
    results: { type: 'string', default: fileURLToPath(new URL('../results', import.meta.url)) },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  process.stdout.write(usage)
  process.exit(0)
}

const { folder } = options
const rounds = Number(options.rounds)
const say = (line: string) => process.stderr.write(`${line}\n`)
const wanted = (part: string) => !options.part || options.part.includes(part)

const results = earlierResults(options.results)
results.machine = machineLine()
results.tools = `${toolVersion('rpm', ['--version'])}, ${toolVersion('bsdtar', ['--version'])}, ${toolVersion('nginx', ['-v'])}`

if (wanted('conversion')) {
  const packages = benchPackages(folder, options.package)
  const measured = await conversionTable(packages, { folder, rounds, say })
  const kept = (results.conversion ?? []).filter(row => !packages.some(({ name }) => name === row.package))
  results.conversion = inBenchOrder([...kept, ...measured])
}
if (wanted('beside')) {
  const [cached, first, second] = benchPackages(folder, ['zstd', 'gzip', 'incompressible']).toReversed()
  results.beside = await besideFigures(cached!, [first!, second!], { folder, rounds, say })
}
if (wanted('service')) {
  const [pack] = benchPackages(folder, ['incompressible'])
  results.service = await servingFigures(pack!, { folder, rounds, say })
}
if (wanted('catalog')) results.catalog = await catalogFigures({ folder, packages: 20_000, say })

rmSync(join(folder, 'out.tmp'), { force: true })
saveResults(options.results, results)
process.stdout.write(reportText(results))
