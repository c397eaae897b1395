import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BesideFigures, besideTable } from './beside.ts'
import { boundsTable } from './bounds.ts'
import { type CatalogFigures, catalogTable } from './catalog.ts'
import { conversionChart } from './chart.ts'
import { type ConversionRow, conversionBounds } from './conversion.ts'
import { type ServingFigures, servingTables } from './service.ts'
import { type Column, megabytes, ratio, seconds, table } from './table.ts'

/** Everything that the benchmark measures; what was not measured yet is absent. */
export interface Results {
  machine: string
  tools: string
  conversion?: ConversionRow[]
  beside?: BesideFigures
  service?: ServingFigures
  catalog?: CatalogFigures
}

/** What runs of other parts left in the folder. */
export function earlierResults(folder: string): Results {
  const file = join(folder, 'results.json')
  if (!existsSync(file)) return { machine: '', tools: '' }
  return JSON.parse(readFileSync(file, 'utf8')) as Results
}

export function saveResults(folder: string, results: Results): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(join(folder, 'results.md'), reportText(results))
  if (results.conversion)
    writeFileSync(join(folder, 'conversion.svg'), conversionChart(results.conversion, results.machine))
}

/** The tables, as Markdown that reads well in a terminal. */
export function reportText({ machine, tools, conversion, beside, service, catalog }: Results): string {
  const parts = [`${machine}; ${tools}`]
  if (conversion) {
    parts.push('RPM to TAR, ratios against rpm2archive in the same run', table(conversion, conversionColumns))
    parts.push(boundsTable(conversionBounds(conversion)))
  }
  if (beside) parts.push('Downloads and event loops beside two conversions', besideTable(beside))
  if (service) parts.push('A cached TAR over HTTP, nginx with sendfile beside it', servingTables(service))
  if (catalog) parts.push(`A catalog of ${catalog.packages} RPMs in nested folders`, catalogTable(catalog))
  return `${parts.join('\n\n')}\n`
}

const conversionColumns: Column<ConversionRow>[] = [
  { head: 'package', cell: row => row.what },
  { head: 'by', cell: row => row.contender },
  { head: 'seconds', cell: row => seconds(row.seconds), align: 'right' },
  { head: 'times as fast', cell: row => ratio(row.speedRatio), align: 'right' },
  { head: 'MB out', cell: row => megabytes(row.outputBytes), align: 'right' },
  { head: 'size ratio', cell: row => row.sizeRatio.toFixed(3), align: 'right' },
  { head: 'peak RSS MB', cell: row => megabytes(row.peakRss), align: 'right' },
]
