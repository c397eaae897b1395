import {
  appendFileSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Catalog, type CatalogOptions, createLogger, openPackageFile, plan } from '../../src/index.ts'
import { buildDeb, tarOf } from '../support/deb-writer.ts'
import { smallRpm } from '../support/packages.ts'

let root: string
let folder: string
let stateFolder: string
const opened: Catalog[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'diskful-catalog-'))
  folder = join(root, 'clientpkgs')
  stateFolder = join(root, 'state')
})

afterEach(async () => {
  for (const catalog of opened.splice(0)) await catalog.close()
  rmSync(root, { recursive: true, force: true })
})

function put(file: string, content: Uint8Array | string): string {
  const path = join(folder, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}

async function open(options: Partial<CatalogOptions> = {}): Promise<Catalog> {
  const catalog = await Catalog.open({
    folder,
    stateFolder,
    settleMs: 50,
    logger: createLogger('test', 'silent'),
    ...options,
  })
  opened.push(catalog)
  await catalog.ready
  return catalog
}

async function until(condition: () => boolean, withinMs = 10_000): Promise<number> {
  const started = performance.now()
  while (!condition()) {
    if (performance.now() - started > withinMs) throw new Error('it did not come about')
    await sleep(10)
  }
  return performance.now() - started
}

const codes = (catalog: Catalog) => Object.fromEntries(catalog.status().errors.map(({ file, code }) => [file, code]))

describe('the catalog', () => {
  it('of an absent or empty folder is empty, and fills when packages come', async () => {
    const catalog = await open()
    expect(catalog.status()).toMatchObject({ readable: false, counts: { rpm: 0, deb: 0, tar: 0 }, errors: [] })
    put('rpm/nested/folder/a.rpm', smallRpm({ name: 'a' }))
    await until(() => catalog.resolve('rpm', 'a') !== undefined)
    await catalog.refresh()
    expect(catalog.status().readable).toBe(true)
  })

  it('lists packages of all kinds by what they say of themselves', async () => {
    put('rpm/x/whatever.rpm', smallRpm({ name: 'foo', version: '2.0', epoch: 1, arch: 'x86_64' }))
    put('deb/foo.deb', await buildDeb({ control: { Package: 'foo', Version: '3:1.0-2', Architecture: 'amd64' } }))
    put('tar/own-1.0-1.x86_64.tar.gz', gzipSync(await tarOf({ a: 'b' })))
    const catalog = await open()
    expect(catalog.resolve('rpm', 'foo')).toMatchObject({
      file: 'x/whatever.rpm',
      nevra: 'foo-1:2.0-1.x86_64',
      isSource: false,
    })
    expect(catalog.resolve('deb', 'foo')).toMatchObject({
      epoch: 3,
      version: '1.0',
      release: '2',
      nevra: 'foo_3:1.0-2_amd64',
    })
    expect(catalog.resolve('tar', 'own')).toMatchObject({ version: '1.0', arch: 'x86_64', tarFormat: 'tar.gz' })
    expect(catalog.status()).toMatchObject({ readable: true, counts: { rpm: 1, deb: 1, tar: 1 }, errors: [] })
    expect([...catalog.entries('deb')]).toHaveLength(1)
  })

  it('says of every other file why it is not listed, and lists the rest', async () => {
    const rpm = smallRpm({ name: 'good' })
    put('rpm/good.rpm', rpm)
    put('rpm/half.rpm', rpm.subarray(0, rpm.length - 10))
    put('rpm/header-only.rpm', rpm.subarray(0, 300))
    put('rpm/alien.rpm', 'hello')
    put('rpm/README', 'hello')
    put('rpm/empty.rpm', '')
    put('rpm/.hidden.rpm.Xy12', 'rsync is not done')
    put('rpm/bad\nname.rpm', rpm)
    put('deb/half.deb', (await buildDeb()).subarray(0, 150))
    put('tar/half.tar', (await tarOf({ a: 'b' })).subarray(0, 512))
    put('tar/wrong.tar.gz', 'no gzip')
    symlinkSync('/etc/passwd', join(folder, 'rpm/outside.rpm'))
    symlinkSync('nowhere', join(folder, 'rpm/broken.rpm'))
    const catalog = await open()
    expect(codes(catalog)).toEqual({
      'rpm/half.rpm': 'incomplete',
      'rpm/header-only.rpm': 'truncated-header',
      'rpm/alien.rpm': 'not-an-rpm',
      'rpm/README': 'not-a-package',
      'rpm/empty.rpm': expect.stringMatching(/^(not-an-rpm|truncated-header)$/),
      'rpm/bad\nname.rpm': 'bad-file-name',
      'deb/half.deb': 'incomplete',
      'tar/half.tar': 'incomplete',
      'tar/wrong.tar.gz': 'not-a-package',
      'rpm/outside.rpm': 'outside-folder',
      'rpm/broken.rpm': 'broken-link',
    })
    expect(catalog.status().counts).toEqual({ rpm: 1, deb: 0, tar: 0 })
    expect(catalog.refused('rpm', 'half')).toMatchObject({ file: 'rpm/half.rpm', code: 'incomplete' })
    expect(catalog.refused('rpm', 'good')).toBeUndefined()
  })

  it('shows a new file within 2 s with the settling time of a service, and takes it off again', async () => {
    put('rpm/first.rpm', smallRpm({ name: 'first' }))
    const catalog = await open({ settleMs: 1000 })
    const path = put('rpm/second.rpm', smallRpm({ name: 'second' }))
    expect(await until(() => catalog.resolve('rpm', 'second') !== undefined)).toBeGreaterThan(900)
    rmSync(path)
    await until(() => catalog.resolve('rpm', 'second') === undefined)
  })

  it('does not list a file while it grows', async () => {
    const rpm = smallRpm({ name: 'slow', files: [{ path: '/x', content: 'y'.repeat(1000) }] })
    put('rpm/other.rpm', smallRpm({ name: 'other' }))
    const catalog = await open({ settleMs: 400 })
    const path = put('rpm/slow.rpm', '')
    const piece = Math.ceil(rpm.length / 8)
    for (let at = 0; at < rpm.length; at += piece) {
      appendFileSync(path, rpm.subarray(at, at + piece))
      await sleep(100)
      expect(catalog.resolve('rpm', 'slow')).toBeUndefined()
    }
    await until(() => catalog.resolve('rpm', 'slow') !== undefined)
  })

  it('lists the repaired file after the half-copied one', async () => {
    const rpm = smallRpm({ name: 'mended' })
    const path = put('rpm/mended.rpm', rpm.subarray(0, -5))
    const catalog = await open()
    expect(codes(catalog)).toEqual({ 'rpm/mended.rpm': 'incomplete' })
    appendFileSync(path, rpm.subarray(-5))
    await until(() => catalog.resolve('rpm', 'mended') !== undefined)
    expect(catalog.status().errors).toEqual([])
  })

  it('follows links that stay inside, each folder once, and loops end', async () => {
    put('rpm/a/one.rpm', smallRpm({ name: 'one' }))
    put('shared/two.rpm', smallRpm({ name: 'two' }))
    symlinkSync('a/one.rpm', join(folder, 'rpm/latest.rpm'))
    symlinkSync('../shared', join(folder, 'rpm/more'))
    symlinkSync('.', join(folder, 'rpm/self'))
    symlinkSync('..', join(folder, 'rpm/a/up'))
    symlinkSync('../rpm', join(folder, 'shared/back'))
    const catalog = await open()
    const files = [...catalog.entries('rpm')].map(({ file }) => file).toSorted()
    expect(files).toEqual(['a/one.rpm', 'latest.rpm', 'more/two.rpm'])
    const handle = await catalog.open(catalog.resolve('rpm', 'latest.rpm')!)
    await handle.close()
  })

  it('starts from its index, reads only what is new, and survives a damaged index', async () => {
    for (const name of ['a', 'b', 'c']) put(`rpm/${name}.rpm`, smallRpm({ name }))
    const first = await open()
    const sha256 = await first.sha256(first.resolve('rpm', 'a')!)
    await first.close()
    const index = join(stateFolder, 'catalog.jsonl')
    expect(existsSync(index)).toBe(true)

    // What the index says of an unchanged file is believed: no second look at its content.
    writeFileSync(index, readFileSync(index, 'utf8').replace('"b-1.0-1.noarch"', '"from-the-index"'))
    const second = await open()
    expect(second.resolve('rpm', 'b')?.nevra).toBe('from-the-index')
    expect(await second.sha256(second.resolve('rpm', 'a')!)).toBe(sha256)
    await second.close()

    for (const damage of [
      'not json\n',
      '{"diskful":"catalog index","version":1}\n{"k":1}\n[]\nnull\n{"k":"rpm/a',
      '\0'.repeat(100),
    ]) {
      writeFileSync(index, damage)
      const third = await open()
      expect(third.status().counts.rpm).toBe(3)
      await third.close()
    }
  })

  it('works without a state folder, and with one that cannot be written', async () => {
    put('rpm/a.rpm', smallRpm({ name: 'a', requires: ['b'] }))
    put('rpm/b.rpm', smallRpm({ name: 'b' }))
    writeFileSync(join(root, 'file'), '')
    for (const options of [{ stateFolder: undefined }, { stateFolder: join(root, 'file/below') }]) {
      const catalog = await open(options)
      expect(catalog.status().counts.rpm).toBe(2)
      expect((await plan(catalog, { type: 'rpm', packages: ['a'] })).rows).toHaveLength(2)
    }
  })

  it('goes on when a package ends its reader, and does not read that one again', async () => {
    put('rpm/good.rpm', smallRpm({ name: 'good' }))
    // Files are columns of the header and take little; each dependency is an object.
    const provides = Array.from({ length: 190_000 }, (_, i) => `capability-of-a-monster-${i}`)
    put('rpm/monster.rpm', smallRpm({ name: 'monster', provides, requires: provides }))
    const catalog = await Catalog.open({
      folder,
      stateFolder,
      settleMs: 10,
      readerMemoryMb: 24,
      logger: createLogger('test', 'silent'),
    })
    opened.push(catalog)
    await until(() => codes(catalog)['rpm/monster.rpm'] === 'crashes-reader', 25_000)
    expect(catalog.resolve('rpm', 'good')).toBeDefined()
  })
})

describe('a listed file', () => {
  it('is hashed once for each of its states', async () => {
    put('rpm/a.rpm', smallRpm({ name: 'a' }))
    const catalog = await open()
    const entry = catalog.resolve('rpm', 'a')!
    const [one, other] = [catalog.sha256(entry), catalog.sha256(entry)]
    expect(one).toBe(other)
    expect(await one).toMatch(/^[0-9a-f]{64}$/)
    put('rpm/a.rpm', smallRpm({ name: 'a', version: '2' }))
    await until(() => catalog.resolve('rpm', 'a')?.version === '2')
    expect(await catalog.sha256(catalog.resolve('rpm', 'a')!)).not.toBe(await one)
  })

  it('is not opened in another state than the listed one, nor when it is gone', async () => {
    const path = put('rpm/a.rpm', smallRpm({ name: 'a' }))
    put('rpm/b.rpm', smallRpm({ name: 'b' }))
    const catalog = await open()
    const entry = catalog.resolve('rpm', 'a')!
    put('rpm/.new', smallRpm({ name: 'a' }))
    renameSync(join(folder, 'rpm/.new'), path)
    await expect(catalog.open(entry)).rejects.toMatchObject({ code: 'package-changed' })
    await expect(catalog.sha256(entry)).rejects.toMatchObject({ code: 'package-changed' })
    const gone = catalog.resolve('rpm', 'b')!
    rmSync(join(folder, 'rpm/b.rpm'))
    await expect(catalog.open(gone)).rejects.toMatchObject({ code: 'package-gone' })
  })

  it.each(['../secret', '/etc/passwd', 'a/../../secret', '', './a.rpm', 'a\0b', 'link.rpm', 'linked/secret'])(
    'is never outside the folder: %j',
    async file => {
      put('rpm/a.rpm', 'x')
      writeFileSync(join(root, 'secret'), 'secret')
      symlinkSync(join(root, 'secret'), join(folder, 'rpm/link.rpm'))
      symlinkSync(root, join(folder, 'rpm/linked'))
      await expect(openPackageFile(folder, { type: 'rpm', file })).rejects.toMatchObject({ code: 'outside-folder' })
    },
  )

  it('may be a hard link, and is what its identity says to the byte', async () => {
    const path = put('rpm/a.rpm', smallRpm({ name: 'a' }))
    linkSync(path, join(folder, 'rpm/b.rpm'))
    const catalog = await open()
    const entry = catalog.resolve('rpm', 'b.rpm')!
    const handle = await catalog.open(entry)
    expect((await handle.stat()).size).toBe(entry.identity.size)
    await handle.close()
    truncateSync(path, 10)
    await expect(catalog.open(entry)).rejects.toMatchObject({ code: 'package-changed' })
  })
})

describe('a plan over the catalog', () => {
  it('has rows that download the very files, the missing and the unresolved', async () => {
    put('rpm/app.rpm', smallRpm({ name: 'app', requires: ['lib', '/usr/share/tool', 'nobody-has-this'] }))
    put('rpm/el8/lib.rpm', smallRpm({ name: 'lib', version: '1', provides: ['lib'] }))
    put('rpm/el9/lib.rpm', smallRpm({ name: 'lib', version: '2', provides: ['lib'] }))
    put('rpm/tool.rpm', smallRpm({ name: 'tool' }))
    put('rpm/foreign.rpm', smallRpm({ name: 'foreign', arch: 'aarch64' }))
    const catalog = await open()
    const request = { type: 'rpm', packages: ['app', 'nothing', 'foreign', 'lib-1-1'], arch: 'amd64' } as const
    const planned = await plan(catalog, request)
    expect(planned).toMatchObject({ type: 'rpm', arch: 'x86_64', missing: ['nothing', 'foreign'] })
    expect(planned.unresolved).toEqual([
      { requirement: 'nobody-has-this', requiredBy: 'app-1.0-1.noarch', reason: 'not-offered' },
    ])
    expect(planned.rows.map(row => row.name).toSorted()).toEqual(['app', 'lib', 'tool'])
    expect(planned.rows.at(-1)).toMatchObject({
      name: 'app',
      version: '1.0-1',
      arch: 'noarch',
      file: 'app.rpm',
      requested: true,
    })
    for (const row of planned.rows) expect(catalog.resolve('rpm', row.file)).toEqual(row.entry)
    expect(planned.rows.find(({ name }) => name === 'lib')).toMatchObject({ version: '1-1', file: 'lib-1-1.noarch' })

    put('rpm/late.rpm', smallRpm({ name: 'late', provides: ['nobody-has-this'] }))
    await until(() => catalog.resolve('rpm', 'late') !== undefined)
    expect((await plan(catalog, request)).unresolved).toEqual([])
  })

  it('of TARs names what will be made, and takes an admin’s TAR as it is', async () => {
    put('rpm/app.rpm', smallRpm({ name: 'app', requires: ['lib'] }))
    put('rpm/lib.rpm', smallRpm({ name: 'lib', epoch: 2 }))
    put('tar/own.tar.gz', gzipSync(await tarOf({ a: 'b' })))
    const catalog = await open()
    const { rows } = await plan(catalog, { type: 'tar', packages: ['own', 'app.tar.gz'], arch: 'x86_64' })
    expect(rows.map(({ type, file, size, entry }) => [type, file, size === undefined, entry.type])).toEqual([
      ['tar', 'own.tar.gz', false, 'tar'],
      ['tar', 'lib-1.0-1.noarch.tar.gz', true, 'rpm'],
      ['tar', 'app-1.0-1.noarch.tar.gz', true, 'rpm'],
    ])
  })

  it('reads relations from the index after a restart', async () => {
    put('rpm/app.rpm', smallRpm({ name: 'app', requires: ['lib'] }))
    put('rpm/lib.rpm', smallRpm({ name: 'lib' }))
    await (await open()).close()
    const relations = join(stateFolder, 'relations.jsonl')
    writeFileSync(relations, readFileSync(relations, 'utf8').replace('"1lib"', '"1from-the-index"'))
    const catalog = await open()
    const { unresolved } = await plan(catalog, { type: 'rpm', packages: ['app'] })
    expect(unresolved.map(({ requirement }) => requirement)).toEqual(['from-the-index'])
    copyFileSync(join(folder, 'rpm/app.rpm'), join(folder, 'rpm/app2.rpm'))
  })
})
