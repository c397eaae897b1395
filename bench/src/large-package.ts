// Converts two extreme packages and says how much memory that took: 5 GiB with one file above 4 GiB, and 200,000 files.
// node bench/src/large-package.ts [--folder DIR] [--only 5-gib|200000-files]; about 14 GB in DIR while the first is built
import { randomFillSync } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measuredRun } from './measured-run.ts'
import { rpmFormat } from './rpm-format.ts'
import { buildRpm } from './rpmbuild.ts'
import { megabytes, seconds, table } from './table.ts'

const MiB = 1024 * 1024
const GiB = 1024 * MiB

const { values: options } = parseArgs({
  options: { folder: { type: 'string', default: '/var/tmp/diskful-bench' }, only: { type: 'string' } },
})

const [program, ...started] = rpmFormat
const packages = [
  { name: '5-gib', fill: fiveGibibytes },
  { name: '200000-files', fill: veryManyFiles },
].filter(({ name }) => options.only === undefined || options.only === name)

/** Commands of the CLI, and whether their output goes to a file. */
const runs = [
  { what: 'tar --layout root', args: ['tar', '--layout', 'root'] },
  { what: 'tar --layout scyld', args: ['tar', '--layout', 'scyld'] },
  { what: 'tar.gz --layout scyld', args: ['tar', '--layout', 'scyld', '--compress', 'gzip', '--level', '1'] },
  { what: 'list', args: ['list'] },
  { what: 'verify', args: ['verify'] },
]

const rows: { package: string; what: string; seconds: number; peakRss: number }[] = []
mkdirSync(options.folder, { recursive: true })
for (const { name, fill } of packages) {
  const rpm = join(options.folder, `bench-${name}-1-1.noarch.rpm`)
  if (!existsSync(rpm)) build(name, rpm, fill)
  process.stderr.write(`${rpm}: ${megabytes(statSync(rpm).size)} MB\n`)
  for (const { what, args } of runs) {
    const run = await measuredRun(program, [...started, ...args, rpm])
    rows.push({ package: name, what, ...run })
    process.stderr.write(`${name} ${what}: ${seconds(run.seconds)} s, ${megabytes(run.peakRss)} MB\n`)
  }
}
process.stdout.write(
  `${table(rows, [
    { head: 'package', cell: row => row.package },
    { head: 'command', cell: row => row.what },
    { head: 'seconds', cell: row => seconds(row.seconds), align: 'right' },
    { head: 'peak RSS MB', cell: row => megabytes(row.peakRss), align: 'right' },
  ])}\n`,
)

/** One file of 4.3 GiB and 1,100 smaller ones, both of noise and of lines that compress, in turns. */
function fiveGibibytes(folder: string): void {
  mixedFile(join(folder, 'image.raw'), 4.3 * GiB)
  for (let i = 0; i < 1100; i++) mixedFile(join(folder, `part-${String(i).padStart(4, '0')}.bin`), 0.65 * MiB + i * 7)
}

function mixedFile(path: string, bytes: number): void {
  const fd = openSync(path, 'w')
  const noise = Buffer.alloc(MiB)
  for (let written = 0, block = 0; written < bytes; block++) {
    const text = Buffer.alloc(MiB, `record ${block} of ${path}, the same line again until the block is full\n`)
    const length = Math.min(MiB, Math.floor(bytes) - written)
    if (length <= 0) break
    written += writeSync(fd, block % 2 ? text : randomFillSync(noise), 0, length)
  }
  closeSync(fd)
}

/** 2,000 directories with 99 small files each. */
function veryManyFiles(folder: string): void {
  for (let d = 0; d < 2000; d++) {
    const directory = join(folder, `component-${String(d).padStart(5, '0')}`)
    mkdirSync(directory)
    for (let i = 0; i < 99; i++)
      writeFileSync(
        join(directory, `resource-definition-${i}.conf`),
        `setting-${d}-${i} = ${d * i}\n`.repeat(1 + (i % 7)),
      )
  }
}

/** With rpmbuild, whose payload has the stripped form where a file is above 4 GiB. */
function build(name: string, rpm: string, fill: (folder: string) => void): void {
  const work = `${rpm}.work`
  rmSync(work, { recursive: true, force: true })
  const content = join(work, 'content')
  mkdirSync(content, { recursive: true })
  fill(content)
  buildRpm(work, rpm, {
    name: `bench-${name}`,
    summary: 'A very large package',
    install: `mkdir -p %{buildroot}/opt/scyld && cp -al ${content} %{buildroot}/opt/scyld/bench-${name}`,
    files: `/opt/scyld/bench-${name}/*`,
    payload: 'w3.zstdio',
  })
}
