import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decompress } from '../src/decompress/decompress.ts'
import { sniff } from '../src/decompress/sniff.ts'
import { defaultLimits } from '../src/limits.ts'
import { buildRpm, type TestFile } from '../test/support/rpm-writer.ts'
import { type Parts, split } from './parts.ts'

/** A sound package that mutations begin from. */
export interface Base {
  readonly name: string
  readonly parts: Parts
  readonly archive: Buffer
  /** Where each entry of the archive begins, the trailer included. */
  readonly entries: readonly number[]
}

const fixtures = join(import.meta.dirname, '../test/fixtures/rpms')

const files: TestFile[] = [
  { path: '/usr', mode: 0o040755 },
  { path: '/usr/share/a', content: 'first file' },
  { path: '/usr/share/b', content: 'same', inode: 9 },
  { path: '/usr/share/c', content: 'same', inode: 9 },
  { path: '/usr/share/l', mode: 0o120777, linkTarget: '../a' },
  { path: '/usr/share/ghost', flags: 64 },
  { path: '/dev/x', mode: 0o020600, rdev: 0x0101 },
  { path: '/usr/share/caps', content: 'z', capabilities: 'cap_net_raw=ep' },
]

/** Every fixture, and packages of each format from the tests' own writer. */
export async function loadBases(): Promise<Base[]> {
  const written = [3, 4, 6].map(
    format => [`format ${format}`, buildRpm({ format: format as 3 | 4 | 6, files })] as const,
  )
  const built = readdirSync(fixtures)
    .filter(name => name.endsWith('.rpm'))
    .toSorted()
    .map(name => [name, readFileSync(join(fixtures, name))] as const)
  return Promise.all([...written, ...written, ...built].map(([name, bytes]) => baseOf(name, bytes)))
}

async function baseOf(name: string, bytes: Buffer): Promise<Base> {
  const parts = split(bytes)
  const pieces: Uint8Array[] = []
  const iterator = decompress(once(parts.payload), sniff(parts.payload.subarray(0, 13), 0), defaultLimits)
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) pieces.push(Buffer.from(next.value))
  const archive = Buffer.concat(pieces)
  const entries: number[] = []
  for (const magic of archive.toString('latin1').matchAll(/07070[12X](?=[0-9a-f]{8})/g)) entries.push(magic.index)
  return { name, parts, archive, entries }
}

async function* once(bytes: Uint8Array) {
  yield bytes
}
