import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Everything of a root, one line of text a path, so that two can be compared by a glance at their difference. */
export type Tree = Map<string, string>

export interface TreeOptions {
  /** Paths, '/usr/x', left out with everything below them. */
  without?: readonly (string | RegExp)[]
  /** Modification times up to this one (seconds): those of a package's files, not of what a test wrote. */
  timesUntil?: number
}

const latin1 = (text: string) => Buffer.from(text, 'latin1')

/** Names are bytes: they are read and kept as Latin-1, one character a byte. */
export function readTree(root: string, options: TreeOptions = {}): Tree {
  const tree: Tree = new Map()
  const links = new Map<string, string[]>()
  walk(root, '', options, tree, links)
  for (const names of links.values()) {
    if (names.length > 1) for (const name of names) tree.set(name, `${tree.get(name)} = ${names.toSorted().join(' ')}`)
  }
  return tree
}

function walk(root: string, path: string, options: TreeOptions, tree: Tree, links: Map<string, string[]>): void {
  const names = readdirSync(Buffer.concat([Buffer.from(root), latin1(`${path}/`)]), { encoding: 'latin1' })
  for (const name of names.toSorted()) {
    const inside = `${path}/${name}`
    if (isLeftOut(inside, options)) continue
    const full = Buffer.concat([Buffer.from(root), latin1(inside)])
    const stat = lstatSync(full, { bigint: true })
    tree.set(inside, describe(full, stat, options))
    if (stat.isFile() && stat.nlink > 1n) {
      const key = `${stat.dev}:${stat.ino}`
      links.set(key, [...(links.get(key) ?? []), inside])
    }
    if (stat.isDirectory()) walk(root, inside, options, tree, links)
  }
}

function isLeftOut(path: string, { without = [] }: TreeOptions): boolean {
  return without.some(rule => (typeof rule === 'string' ? path === rule : rule.test(path)))
}

function describe(full: Buffer, stat: ReturnType<typeof lstatSync>, { timesUntil = 0 }: TreeOptions): string {
  const facts = stat as unknown as import('node:fs').BigIntStats
  const owner = `${(Number(facts.mode) & 0o7777).toString(8).padStart(4, '0')} ${facts.uid}:${facts.gid}`
  if (facts.isSymbolicLink()) return `link ${facts.uid}:${facts.gid} -> ${readlinkSync(full, { encoding: 'latin1' })}`
  if (facts.isDirectory()) return `folder ${owner}`
  if (facts.isFIFO()) return `fifo ${owner}`
  if (facts.isCharacterDevice() || facts.isBlockDevice()) return `device ${owner} ${facts.rdev}`
  if (!facts.isFile()) return `other ${owner}`
  const content = createHash('sha256').update(readFileSync(full)).digest('hex').slice(0, 12)
  const time = Number(facts.mtimeMs / 1000n)
  return `file ${owner} ${facts.size} ${content}${time <= timesUntil ? ` ${time}` : ''}`
}

/** `path: what one has | what the other has`, for every path that differs. */
export function differences(one: Tree, other: Tree): string[] {
  const paths = new Set([...one.keys(), ...other.keys()])
  return [...paths]
    .toSorted()
    .filter(path => one.get(path) !== other.get(path))
    .map(path => `${path}: ${one.get(path) ?? 'absent'} | ${other.get(path) ?? 'absent'}`)
}
