import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { HalfSipHash } from '../src/half-sip-hash.ts'
import { readPackage } from '../src/index.ts'
import { PathTable } from '../src/path-table.ts'
import { SignatureTag, Tag } from '../src/tags.ts'
import { int32List, text, texts, textsList } from './support/header-writer.ts'
import { refusal } from './support/reading.ts'
import { buildRpm, type TestFile, withTag } from './support/rpm-writer.ts'
import { unpack } from './support/unpacked.ts'

it('hashes as Linux does', () => {
  const hashes = [0, 1, 2, 3, 4, 5, 6, 7].map(length => {
    const hash = new HalfSipHash([0x03020100, 0x07060504])
    const text = String.fromCharCode(...Array.from({ length }, (_, k) => k))
    hash.update(text, 0, Math.min(3, length))
    hash.digest()
    hash.update(text, Math.min(3, length), length)
    return hash.digest()
  })
  // Its first eight vectors of hsiphash for 32 bits, lib/test_siphash.c.
  expect(hashes).toEqual([
    0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6,
  ])
})

it('finds paths, what stands above them, and nothing else', () => {
  const paths = ['/usr', '/usr/bin', '/usr/bin/x', '/usr/bin/y', '/etc/gr\xfc\xdfe', '/']
  const table = new PathTable(paths.length, k => paths[k]!)
  expect(paths.map((path, k) => table.add(k, path))).toEqual(paths.map(() => undefined))
  expect(paths.map(path => table.find(path))).toEqual([0, 1, 2, 3, 4, 5])
  expect(['/us', '/usr/', '/usr/bin/xx', ''].map(path => table.find(path))).toEqual(Array(4).fill(undefined))
  expect([...table.above('/usr/bin/x/y/z')]).toEqual([0, 1, 2])
  expect([...table.above('/usr')]).toEqual([])
  expect(table.add(5, '/usr/bin')).toBe(1)
})

it('a symlink above files is seen however its directory is spelt', async () => {
  const link: TestFile = { path: '/usr/lib', mode: 0o120777, linkTarget: '/tmp' }
  const below = (directories: string[], indexes: number[], names: string[]) =>
    buildRpm({
      files: [link, { path: '/usr/lib/x', content: 'x' }],
      header: withTag(
        textsList(Tag.BASENAMES, names),
        textsList(Tag.DIRNAMES, directories),
        int32List(Tag.DIRINDEXES, indexes),
      ),
    })
  for (const rpm of [
    below(['/usr/', '/usr/lib/'], [0, 1], ['lib', 'x']),
    below(['/usr/'], [0, 0], ['lib', 'lib/x']),
    below(['/usr/lib/'], [0, 0], ['', 'x']),
    below(['/usr/lib/'], [0, 0], ['.', 'x']),
    below(['/usr/l'], [0, 0], ['ib', 'ib/x']),
    below(['/', '/usr/./lib//'], [0, 1], ['usr/lib', 'x']),
  ])
    expect(await refusal(rpm)).toBe('path-below-non-directory')
})

it('refuses more bytes of paths than the limit before it makes them', async () => {
  const directory = `/${'d'.repeat(4000)}/`
  const count = 40_000
  const names = Array.from({ length: count }, (_, k) => String(k))
  const rpm = buildRpm({
    files: names.map(name => ({ path: `/${name}`, mode: 0o040755 })),
    header: withTag(
      textsList(Tag.BASENAMES, names),
      texts(Tag.DIRNAMES, directory),
      int32List(Tag.DIRINDEXES, Array(count).fill(0)),
    ),
  })
  expect(rpm.length).toBeLessThan(4_000_000)
  expect(await refusal(rpm)).toBe('bad-file-path')
})

it('many deep directories, each a different one, take no time', async () => {
  const files: TestFile[] = Array.from({ length: 2000 }, (_, k) => ({
    path: `/${k}${'/d'.repeat(2000)}/x`,
    mode: 0o040755,
  }))
  const rpm = buildRpm({ files })
  const started = performance.now()
  expect((await readPackage(rpm)).files.length).toBe(2000)
  expect(performance.now() - started).toBeLessThan(5000)
})

it('refuses more dependencies and triggers than the limit', async () => {
  const many = Array(200_001).fill('a')
  expect(await refusal(buildRpm({ header: withTag(textsList(1047, many)) }))).toBe('header-too-large')
  expect(await refusal(buildRpm({ header: withTag(textsList(5069, many)) }))).toBe('header-too-large')
})

it.each([
  ['arguments of an interpreter', 1086],
  ['prefixes', 1098],
])('refuses more than 1,000 %s', async (_, tag) => {
  const many = (count: number) => buildRpm({ header: withTag(textsList(tag, Array(count).fill('/opt'))) })
  expect(await refusal(many(1001))).toBe('header-too-large')
  expect(await refusal(many(1000))).toBe('accepted')
})

it('refuses a text longer than the limit, whatever it is for', async () => {
  const long = 'x'.repeat(1024 * 1024)
  for (const tag of [1005, 1014, 1024]) {
    expect(await refusal(buildRpm({ header: withTag(text(tag, `${long}x`)) }))).toBe('header-too-large')
    expect(await refusal(buildRpm({ header: withTag(text(tag, long)) }))).toBe('accepted')
  }
  const rpm = buildRpm({ header: withTag(texts(1047, 'short', `${long}x`)) })
  expect(await refusal(rpm)).toBe('header-too-large')
  expect(await refusal(rpm, { limits: { text: 2 ** 21 } })).toBe('accepted')
})

it('20,000 names of one unit file take no time', async () => {
  const content = 'a'.repeat(1024 * 1024)
  const digest = createHash('sha256').update(content).digest('hex')
  const files: TestFile[] = Array.from({ length: 20_000 }, (_, k) => ({
    path: `/usr/lib/systemd/system/unit-${k}.service`,
    inode: 7,
    size: content.length,
    digest,
    content: k === 19_999 ? content : '',
  }))
  const started = performance.now()
  await unpack(buildRpm({ files }), { layout: 'scyld' })
  expect(performance.now() - started).toBeLessThan(5000)
})

it('an IMA signature that is no hex gets into no table', async () => {
  const rpm = buildRpm({
    files: [
      { path: '/good', content: 'x' },
      { path: '/bad', content: 'x' },
    ],
    signature: tags => [textsList(SignatureTag.FILESIGNATURES, ['0302aB', '-\nf\t0777\troot']), ...tags],
  })
  for (const layout of ['root', 'scyld'] as const) {
    const { report, members } = await unpack(rpm, { layout })
    expect(report.warnings).toMatchObject([{ code: 'bad-ima-signature', path: '/bad' }])
    if (layout === 'root')
      expect(members.map(({ pax }) => Object.keys(pax))).toEqual([['SCHILY.xattr.security.ima'], []])
    else
      expect(
        members
          .find(({ name }) => name === './pkg/meta/files.tsv')!
          .content.split('\n')
          .map(line => line.split('\t')[10]),
      ).toEqual([undefined, '0302ab', '-', undefined])
  }
})

it.each([
  ['', veryManyFiles],
  [', names of one inode,', manyNames],
])(
  '200,000 files%s need less than 250 MB in both layouts',
  async (_, files) => {
    const folder = mkdtempSync(join(tmpdir(), 'rpm-format-many-'))
    try {
      const rpm = join(folder, 'many.rpm')
      writeFileSync(rpm, buildRpm({ files: files() }))
      for (const layout of ['root', 'scyld']) {
        const { bytes, peak } = await convertedBy('tar', '--layout', layout, rpm)
        expect(bytes).toBeGreaterThan(200_000 * 512)
        expect(peak).toBeGreaterThan(50)
        expect(peak).toBeLessThan(250)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
  180_000,
)

/** Bytes that the command wrote and the most memory that it had, in MB; with node's defaults, as in somebody's program. */
async function convertedBy(...args: string[]): Promise<{ bytes: number; peak: number }> {
  const cli = join(import.meta.dirname, '../src/cli.ts')
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let peak = 0
  let bytes = 0
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    bytes += chunk.length
    peak = Math.max(peak, highWaterMark(child.pid!))
  }
  return { bytes, peak }
}

function veryManyFiles(): TestFile[] {
  return Array.from({ length: 200_000 }, (_, k) => {
    const folder = `/opt/scyld/test/share/modules/component-${String(Math.floor(k / 100)).padStart(5, '0')}`
    return k % 100 === 0
      ? { path: folder, mode: 0o040755 }
      : { path: `${folder}/definition-${k % 100}.conf`, content: 'x' }
  })
}

function manyNames(): TestFile[] {
  return Array.from({ length: 200_000 }, (_, k) => ({
    path: `/opt/scyld/test/share/modules/component-${String(Math.floor(k / 100)).padStart(5, '0')}/name-${k}.conf`,
    content: 'x',
    inode: 1,
  }))
}

/** Of resident memory, in MB. */
function highWaterMark(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return Number(kib ?? 0) / 1024
}
