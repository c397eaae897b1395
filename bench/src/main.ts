import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type BesideFigures, besideFigures, besideTable } from './beside.ts'
import { boundsTable } from './bounds.ts'
import { type CatalogFigures, catalogFigures, catalogTable } from './catalog.ts'
import { conversionChart } from './chart.ts'
import { type ConversionRow, conversionBounds, conversionTable } from './conversion.ts'
import { machineLine, toolVersion } from './machine.ts'
import { benchPackages } from './packages.ts'
import { type ServingFigures, servingFigures, servingTables } from './service.ts'
import { type Column, megabytes, ratio, seconds, table } from './table.ts'

const usage = `usage: pnpm bench [--part conversion|beside|service|catalog]… [--package NAME]… [--rounds N] [--folder DIR] [--results DIR]

  --part      measure only these parts; all by default
  --package   convert only these: zstd gzip xz xz-blocks bzip2 small-files incompressible
  --rounds    runs of each contender, in turn; the median counts (default 3)
  --folder    where the RPMs are built and kept for the next run (default /var/tmp/diskful-bench; 3 GB)
  --results   where results.json, results.md and conversion.svg go (default bench/results)
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

const machine = machineLine()
const tools = `${toolVersion('rpm2archive', ['--version'])}, ${toolVersion('bsdtar', ['--version'])}, ${toolVersion('nginx', ['-v'])}`
const results: {
  machine: string
  tools: string
  conversion?: ConversionRow[]
  beside?: BesideFigures
  service?: ServingFigures
  catalog?: CatalogFigures
} = {
  machine,
  tools,
}
const report: string[] = [`${machine}; ${tools}`]

if (wanted('conversion')) {
  results.conversion = await conversionTable(benchPackages(folder, options.package), { folder, rounds, say })
  report.push('RPM to TAR, ratios against rpm2archive in the same run', table(results.conversion, conversionColumns()))
  report.push(boundsTable(conversionBounds(results.conversion)))
}
if (wanted('beside')) {
  const [cached, first, second] = benchPackages(folder, ['zstd', 'gzip', 'incompressible']).toReversed()
  results.beside = await besideFigures(cached!, [first!, second!], { folder, rounds, say })
  report.push('Downloads and event loops beside two conversions', besideTable(results.beside))
}
if (wanted('service')) {
  const [pack] = benchPackages(folder, ['incompressible'])
  results.service = await servingFigures(pack!, { folder, rounds, say })
  report.push('A cached TAR over HTTP, nginx with sendfile beside it', servingTables(results.service))
}
if (wanted('catalog')) {
  results.catalog = await catalogFigures({ folder, packages: 20_000, say })
  report.push(`A catalog of ${results.catalog.packages} RPMs in nested folders`, catalogTable(results.catalog))
}

rmSync(join(folder, 'out.tmp'), { force: true })
mkdirSync(options.results, { recursive: true })
writeFileSync(join(options.results, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
writeFileSync(join(options.results, 'results.md'), `${report.join('\n\n')}\n`)
if (results.conversion)
  writeFileSync(join(options.results, 'conversion.svg'), conversionChart(results.conversion, machine))
process.stdout.write(`${report.join('\n\n')}\n`)

function conversionColumns(): Column<ConversionRow>[] {
  return [
    { head: 'package', cell: row => row.what },
    { head: 'by', cell: row => row.contender },
    { head: 'seconds', cell: row => seconds(row.seconds), align: 'right' },
    { head: 'times as fast', cell: row => ratio(row.speedRatio), align: 'right' },
    { head: 'MB out', cell: row => megabytes(row.outputBytes), align: 'right' },
    { head: 'size ratio', cell: row => row.sizeRatio.toFixed(3), align: 'right' },
    { head: 'peak RSS MB', cell: row => megabytes(row.peakRss), align: 'right' },
  ]
}
