import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Catalog, createLogger } from '@diskful/conversion'
import { boundsTable } from './bounds.ts'
import { median } from './measured-run.ts'
import { megabytes, seconds } from './table.ts'

/** What a catalog of many packages costs; times in seconds but for the lookup, in microseconds. */
export interface CatalogFigures {
  packages: number
  /** No index kept: every header is read. */
  coldSeconds: number
  /** The index of the last run, every file's state compared with it. */
  warmSeconds: number
  lookupMicroseconds: number
  /** From the copy of one more RPM until its name resolves; the settling time of 1 s is in it. */
  addedSeconds: number
  /** Resident memory added by the open catalog, bytes. */
  memory: number
}

/** Issue 4's bounds beside what was measured. */
export function catalogTable(catalog: CatalogFigures): string {
  const { coldSeconds, warmSeconds, lookupMicroseconds, addedSeconds } = catalog
  const bounded = boundsTable([
    { what: 'warm start, s', figure: seconds(warmSeconds), bound: '< 2', holds: warmSeconds < 2 },
    {
      what: 'lookup by name, µs',
      figure: lookupMicroseconds.toFixed(1),
      bound: '< 1000',
      holds: lookupMicroseconds < 1000,
    },
    { what: 'an added RPM is there after, s', figure: seconds(addedSeconds), bound: '< 2', holds: addedSeconds < 2 },
  ])
  return `${bounded}\n\nCold start ${seconds(coldSeconds)} s; ${megabytes(catalog.memory)} MB resident.`
}

/** Fills nested folders with small RPMs that differ in name and version, and opens a catalog over them twice. */
export async function catalogFigures(options: {
  folder: string
  packages: number
  say: (line: string) => void
}): Promise<CatalogFigures> {
  const folder = join(options.folder, `catalog-${options.packages}`)
  const stateFolder = join(options.folder, 'catalog-state')
  fill(folder, options.packages)
  rmSync(stateFolder, { recursive: true, force: true })
  mkdirSync(stateFolder, { recursive: true })
  const logger = createLogger('bench', 'warn')

  const memoryBefore = process.memoryUsage().rss
  const cold = await timedOpen(folder, stateFolder, logger)
  await cold.catalog.close()
  options.say(`catalog cold: ${cold.seconds.toFixed(2)} s`)

  const warm = await timedOpen(folder, stateFolder, logger)
  const { catalog } = warm
  const memory = process.memoryUsage().rss - memoryBefore
  options.say(`catalog warm: ${warm.seconds.toFixed(2)} s`)
  try {
    const names = Array.from({ length: 1000 }, (_, i) => packageName((i * 7919) % options.packages))
    const lookups = names.map(name => {
      const started = performance.now()
      if (!catalog.resolve('rpm', name)) throw new Error(`${name} is not in the catalog`)
      return (performance.now() - started) * 1000
    })
    return {
      packages: options.packages,
      coldSeconds: cold.seconds,
      warmSeconds: warm.seconds,
      lookupMicroseconds: median(lookups),
      addedSeconds: await addOne(catalog, folder),
      memory,
    }
  } finally {
    await catalog.close()
  }
}

async function timedOpen(folder: string, stateFolder: string, logger: ReturnType<typeof createLogger>) {
  const started = performance.now()
  const catalog = await Catalog.open({ folder, stateFolder, logger })
  await catalog.ready
  return { catalog, seconds: (performance.now() - started) / 1000 }
}

async function addOne(catalog: Catalog, folder: string): Promise<number> {
  const name = 'bench-pkg-laterON'
  const rpm = join(folder, 'rpm', 'added.rpm')
  writeFileSync(rpm, renamed(template(folder), name))
  const started = performance.now()
  try {
    while (!catalog.resolve('rpm', name)) {
      if (performance.now() - started > 30_000) throw new Error('the added RPM did not appear within 30 s')
      await sleep(10)
    }
    return (performance.now() - started) / 1000
  } finally {
    rmSync(rpm)
  }
}

const packageName = (i: number): string => `bench-pkg-${String(i).padStart(7, '0')}`

function fill(folder: string, packages: number): void {
  const rpms = join(folder, 'rpm')
  mkdirSync(rpms, { recursive: true })
  if (readdirSync(rpms).includes('.complete')) return
  const original = template(folder)
  for (let i = 0; i < packages; i++) {
    const below = join(rpms, `dir${Math.floor(i / 500)}`)
    if (i % 500 === 0) mkdirSync(below, { recursive: true })
    writeFileSync(join(below, `${packageName(i)}-1-1.noarch.rpm`), renamed(original, packageName(i)))
  }
  writeFileSync(join(rpms, '.complete'), '')
}

const placeholder = 'bench-pkg-NNNNNNN'

/** One small RPM from rpmbuild whose name has a fixed length, so that others can be written in its place. */
function template(folder: string): Buffer {
  const top = join(folder, 'rpmbuild')
  mkdirSync(top, { recursive: true })
  const spec = join(top, 'template.spec')
  writeFileSync(
    spec,
    `Name: ${placeholder}
Version: 1
Release: 1
Summary: One of many
License: none
BuildArch: noarch
%description
One of many.
%install
mkdir -p %{buildroot}/usr/share/bench
for i in $(seq 40); do echo $i >%{buildroot}/usr/share/bench/file-$i; done
%files
/usr/share/bench
`,
  )
  execFileSync('rpmbuild', ['-bb', '--define', `_topdir ${top}`, '--define', '_rpmfilename template.rpm', spec], {
    stdio: 'ignore',
  })
  const rpm = readFileSync(join(top, 'RPMS', 'template.rpm'))
  rmSync(top, { recursive: true, force: true })
  return rpm
}

const headerMagic = Buffer.from('8eade80100000000', 'hex')

/** The template under another name of the same length, its digests made to hold again. */
function renamed(template: Buffer, name: string): Buffer {
  if (name.length !== placeholder.length) throw new Error(`${name} is not as long as ${placeholder}`)
  const rpm = Buffer.from(template)
  const signature = rpm.indexOf(headerMagic)
  const header = rpm.indexOf(headerMagic, signature + 8)
  const end = header + 16 + rpm.readUInt32BE(header + 8) * 16 + rpm.readUInt32BE(header + 12)
  const before = {
    sha1: digest(rpm.subarray(header, end), 'sha1'),
    sha256: digest(rpm.subarray(header, end), 'sha256'),
    md5: digest(rpm.subarray(header), 'md5'),
  }
  for (let at = rpm.indexOf(placeholder); at >= 0; at = rpm.indexOf(placeholder, at + 1)) rpm.write(name, at, 'latin1')
  replace(rpm, header, before.sha1.toString('hex'), digest(rpm.subarray(header, end), 'sha1').toString('hex'))
  replace(rpm, header, before.sha256.toString('hex'), digest(rpm.subarray(header, end), 'sha256').toString('hex'))
  digest(rpm.subarray(header), 'md5').copy(rpm, find(rpm, header, before.md5))
  return rpm
}

function replace(rpm: Buffer, before: number, old: string, now: string): void {
  rpm.write(now, find(rpm, before, Buffer.from(old)), 'latin1')
}

function find(rpm: Buffer, before: number, bytes: Buffer): number {
  const at = rpm.subarray(0, before).indexOf(bytes)
  if (at < 0) throw new Error('the template has no such digest')
  return at
}

const digest = (bytes: Buffer, algorithm: string): Buffer => createHash(algorithm).update(bytes).digest()
