import { randomFillSync } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { buildRpm } from './rpmbuild.ts'

/** One RPM to measure with. */
export interface BenchPackage {
  name: string
  what: string
  rpm: string
}

const MiB = 1024 * 1024

/** Content trees; each is built once and becomes one or more RPMs. */
const trees = {
  'real-files': folder => realFiles(folder, 254 * MiB),
  'real-small-files': folder => smallFiles(folder, 20_000),
  incompressible: folder => incompressible(folder, 254 * MiB),
} as const satisfies Record<string, (folder: string) => void>

/** The payloads that distributions write: RHEL 5, 7, 9 and Fedora, SUSE 10. */
const recipes = [
  { name: 'zstd', tree: 'real-files', payload: 'w19.zstdio', what: '254 MB of real files, zstd' },
  { name: 'gzip', tree: 'real-files', payload: 'w9.gzdio', what: '254 MB of real files, gzip' },
  { name: 'xz', tree: 'real-files', payload: 'w6.xzdio', what: '254 MB of real files, xz' },
  { name: 'xz-blocks', tree: 'real-files', payload: 'w6T2.xzdio', what: '254 MB of real files, xz in blocks' },
  { name: 'bzip2', tree: 'real-files', payload: 'w9.bzdio', what: '254 MB of real files, bzip2' },
  { name: 'small-files', tree: 'real-small-files', payload: 'w19.zstdio', what: '20,000 small real files, zstd' },
  { name: 'incompressible', tree: 'incompressible', payload: 'w3.zstdio', what: '254 MB of random bytes, zstd' },
] as const satisfies readonly { name: string; tree: keyof typeof trees; payload: string; what: string }[]

/**
 * Builds the RPMs of the benchmark with rpmbuild, once a folder: a later run finds them there.
 * @param folder where trees and RPMs go; about 1.3 GB
 */
export function benchPackages(folder: string, only?: readonly string[]): BenchPackage[] {
  mkdirSync(folder, { recursive: true })
  return recipes
    .filter(recipe => !only || only.includes(recipe.name))
    .map(recipe => {
      const fill = trees[recipe.tree]
      const tree = join(folder, recipe.tree)
      const rpm = join(folder, `bench-${recipe.name}-1-1.noarch.rpm`)
      if (!existsSync(rpm)) {
        once(tree, fill)
        build(folder, recipe.name, tree, recipe.payload)
      }
      return { name: recipe.name, what: recipe.what, rpm }
    })
}

/** Rows in the order of the packages, whatever order they were measured in. */
export function inBenchOrder<Row extends { package: string }>(rows: readonly Row[]): Row[] {
  const place = ({ package: name }: Row) => recipes.findIndex(recipe => recipe.name === name)
  return rows.toSorted((a, b) => place(a) - place(b))
}

/** Fills `folder` by way of a neighbour, so that an interrupted run leaves nothing that looks finished. */
function once(folder: string, fill: (partial: string) => void): void {
  if (existsSync(folder)) return
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  fill(partial)
  renameSync(partial, folder)
}

/** Programs, libraries and texts of this machine, in a fixed order, until `bytes` are there. */
function realFiles(folder: string, bytes: number): void {
  let left = bytes
  let directory = 0
  for (const source of walk([
    '/usr/bin',
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib/aarch64-linux-gnu',
    '/usr/lib/python3',
    '/usr/share/doc',
    '/usr/lib',
  ])) {
    const { size } = lstatSync(source)
    // One giant would make the tree a benchmark of that file.
    if (size === 0 || size > 24 * MiB || size > left) continue
    if (left % 97 === 0) directory++
    const target = join(folder, `d${directory}`)
    mkdirSync(target, { recursive: true })
    copyFileSync(source, join(target, source.slice(1).replaceAll('/', '_').slice(-200)))
    left -= size
    if (left < 4096) return
  }
  throw new Error(`this machine has only ${bytes - left} bytes of files to take, ${bytes} are needed`)
}

function* walk(roots: readonly string[]): Generator<string> {
  for (const root of roots) {
    if (!existsSync(root) || lstatSync(root).isSymbolicLink()) continue
    for (const entry of readdirSync(root, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(root, entry.name)
      if (entry.isDirectory()) yield* walk([path])
      else if (entry.isFile()) yield path
    }
  }
}

/** Small files of this machine in a fixed order, a hundred a folder; from the start again where it has fewer. */
function smallFiles(folder: string, count: number): void {
  let taken = 0
  while (taken < count) {
    const before = taken
    for (const source of walk(['/usr/share', '/usr/lib', '/usr/include', '/usr/src'])) {
      const { size } = lstatSync(source)
      if (size < 100 || size > 32_000) continue
      const target = join(folder, `d${Math.floor(taken / 100)}`)
      if (taken % 100 === 0) mkdirSync(target)
      copyFileSync(source, join(target, `f${taken}-${basename(source)}`.slice(0, 200)))
      if (++taken === count) return
    }
    if (taken === before) throw new Error('this machine has no small files to take')
  }
}

function incompressible(folder: string, bytes: number): void {
  const block = Buffer.alloc(MiB)
  for (let file = 0; file * 16 * MiB < bytes; file++) {
    const fd = openSync(join(folder, `r${file}`), 'w')
    for (let i = 0; i < 16 && (file * 16 + i) * MiB < bytes; i++) writeSync(fd, randomFillSync(block))
    closeSync(fd)
  }
}

function build(folder: string, name: string, tree: string, payload: string): void {
  const work = join(folder, 'rpmbuild')
  const rpm = join(folder, `bench-${name}-1-1.noarch.rpm`)
  buildRpm(work, rpm, {
    name: `bench-${name}`,
    summary: 'Content for the benchmark',
    install: `mkdir -p %{buildroot}/usr/share/bench && cp -a ${tree}/. %{buildroot}/usr/share/bench/`,
    files: '/usr/share/bench',
    payload,
  })
}
