import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileFlag, readPackage, verify } from '../src/index.ts'
import { chunked, readAll } from './support/reading.ts'

/** Packages built by rpmbuild 4.18 from fixtures/specs; fixtures/build.sh makes them anew. */
const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures/rpms', `${name}.rpm`))

describe('what rpmbuild makes', () => {
  it('basic: files of the usual kinds', async () => {
    const { package: rpm, files, outcome } = await readAll(fixture('basic-1.0~rc1-3.noarch'))
    expect(rpm).toMatchObject({
      nevra: { name: 'basic', epoch: 2, version: '1.0~rc1', release: '3', arch: 'noarch' },
      format: 4,
      isSource: false,
      payload: { format: 'cpio', coverage: 'strong' },
    })
    expect([...rpm.files]).toMatchObject([
      { path: '/etc/basic.conf', type: 'file', mode: 0o644, flags: FileFlag.CONFIG, size: 12 },
      { path: '/etc/basic.keep', mode: 0o640, group: 'wheel', flags: FileFlag.CONFIG | FileFlag.NOREPLACE },
      { path: '/etc/basic.secret', mode: 0 },
      { path: '/usr/bin/basic', mode: 0o4755, owner: 'root' },
      { path: '/usr/bin/basic-alias', type: 'symlink', linkTarget: 'basic' },
      { path: '/usr/share/doc/basic', type: 'directory', mode: 0o1777 },
      { path: '/usr/share/doc/basic/conf', type: 'symlink', linkTarget: '/etc/basic.conf' },
      { path: '/usr/share/doc/basic/empty', size: 0, flags: FileFlag.DOC },
      { path: '/var/log/basic.log', flags: FileFlag.GHOST },
    ])
    expect(files.map(({ path }) => path)).not.toContain('/var/log/basic.log')
    expect(files.find(({ path }) => path === '/usr/bin/basic')?.content).toBe('#!/bin/sh\necho basic\n')
    expect(outcome).toMatchObject({ checked: 'strong', warnings: [] })
  })

  it('basic: the source package', async () => {
    const { package: rpm, files } = await readAll(fixture('basic-1.0~rc1-3.src'))
    expect(rpm).toMatchObject({ isSource: true, nevra: { name: 'basic', arch: 'src' } })
    expect(files.map(({ path }) => path)).toEqual(['/basic.spec', '/notes.txt'])
    expect(files[1]?.content).toBe('Notes of the source package.\n')
  })

  it('hardlinks: sets with one content each', async () => {
    const { files, outcome, package: rpm } = await readAll(fixture('hardlinks-1-1.noarch'))
    const home = '/usr/lib/hardlinks'
    expect(files).toEqual([
      { path: home, links: [], content: '' },
      { path: `${home}/single`, links: [], content: 'alone\n' },
      { path: `${home}/z3`, links: [`${home}/a1`, `${home}/a2`], content: 'first\n' },
      { path: `${home}/b2`, links: [`${home}/b1`], content: 'second\n' },
      { path: `${home}/e2`, links: [`${home}/e1`], content: '' },
      { path: `${home}/m2`, links: [`${home}/m1`], content: 'modes\n' },
    ])
    expect(outcome.warnings).toMatchObject([{ code: 'hardlink-metadata-differs', path: `${home}/m1` }])
    expect([...rpm.files].filter(({ hardlinkSet }) => hardlinkSet !== undefined)).toHaveLength(9)
  })

  it('names: spaces, quotes, UTF-8, long paths, a file called as the trailer is', async () => {
    const { files } = await readAll(fixture('names-1-1.noarch'))
    const names = files.map(({ path }) => path.replace(/d{120}/g, 'D'))
    expect(names).toEqual([
      '/opt/names',
      '/opt/names/TRAILER!!!',
      '/opt/names/D',
      '/opt/names/D/D',
      '/opt/names/D/D/file',
      Buffer.from('/opt/names/größe').toString('latin1'),
      '/opt/names/long link',
      "/opt/names/quote'd",
      '/opt/names/with space',
      '/opt/names/with space/a file',
    ])
  })

  it('special: capabilities, devices, a fifo, long owners', async () => {
    const { files } = (await readAll(fixture('special-1-1.noarch'))).package
    expect([...files]).toMatchObject([
      { path: '/dev/special-disk', type: 'block-device', device: { major: 8, minor: 17 }, group: 'disk' },
      { path: '/dev/special-null', type: 'character-device', device: { major: 1, minor: 3 } },
      { path: '/run/special.fifo', type: 'fifo', mode: 0o600 },
      { path: '/usr/bin/none', owner: 'a-user-whose-name-is-longer-than-32-bytes', capabilities: '' },
      { path: '/usr/bin/ping', capabilities: 'cap_net_admin,cap_net_raw=ep' },
    ])
  })

  it('scriptlets: every slot with its interpreter and flags', async () => {
    const { scriptlets } = await readPackage(fixture('scriptlets-1-1.noarch'))
    expect(Object.fromEntries(scriptlets.map(({ slot, argv, body }) => [slot, [argv.join(' '), body]]))).toEqual({
      pretrans: ['<lua>', 'print("pretrans")'],
      pre: ['/bin/sh', 'echo pre'],
      post: ['/sbin/ldconfig', undefined],
      preun: ['/bin/bash -e', 'echo preun'],
      postun: ['/bin/sh', 'echo "postun of %{NAME}"'],
      posttrans: ['/bin/sh', 'echo "posttrans %{_libdir}"'],
      verify: ['/bin/sh', 'echo verify'],
    })
    expect(scriptlets.find(({ slot }) => slot === 'preun')?.argv).toEqual(['/bin/bash', '-e'])
    expect(scriptlets.filter(({ expand }) => expand).map(({ slot }) => slot)).toEqual(['posttrans'])
    expect(scriptlets.filter(({ qformat }) => qformat).map(({ slot }) => slot)).toEqual(['postun'])
  })

  it('scriptlets: every kind of trigger with its conditions', async () => {
    const { triggers } = await readPackage(fixture('scriptlets-1-1.noarch'))
    const brief = triggers.map(({ kind, type, argv, body, conditions, priority }) => [
      kind,
      type,
      argv.join(' '),
      body,
      conditions.map(({ name, operator, version }) => [name, operator, version].join(' ').trim()).join(', '),
      priority,
    ])
    expect(brief).toEqual([
      ['package', 'prein', '/bin/sh', 'echo triggerprein', 'first < 2', undefined],
      ['package', 'in', '/bin/bash', 'echo triggerin', 'second >= 1:2-3, third', undefined],
      ['package', 'un', '/bin/sh', 'echo triggerun', 'fourth = 4', undefined],
      ['package', 'postun', '/bin/sh', 'echo triggerpostun', 'fifth', undefined],
      ['file', 'in', '/bin/sh', 'cat', '/usr/lib, /usr/lib64', 2000],
      ['file', 'un', '<lua>', 'print("filetriggerun")', '/etc', 1_000_000],
      ['file', 'postun', '/bin/sh', 'cat', '/opt', 1_000_000],
      ['transaction-file', 'in', '/bin/sh', 'cat', '/usr/share', 100],
      ['transaction-file', 'un', '/bin/sh', 'cat', '/var', 1_000_000],
      ['transaction-file', 'postun', '/bin/sh', 'cat', '/srv', 1_000_000],
    ])
  })

  it('dependencies: every kind', async () => {
    const rpm = await readPackage(fixture('dependencies-1-1.noarch'))
    const of = (kind: Parameters<typeof rpm.dependencies>[0]) =>
      rpm
        .dependencies(kind)
        .filter(({ name }) => !name.startsWith('rpmlib('))
        .map(({ name, operator, version }) => [name, operator, version].join(' ').trim())
    expect(of('provides')).toContain('virtual = 1:2-3')
    expect(of('requires')).toEqual(expect.arrayContaining(['lib(x) >= 2', 'shadow-utils', 'systemd', '(a or b)']))
    expect(of('conflicts')).toEqual(['other < 3'])
    expect(of('obsoletes')).toEqual(['older <= 0.9'])
    expect(of('recommends')).toEqual(['good'])
    expect(of('suggests')).toEqual(['nice > 1'])
    expect(of('supplements')).toEqual(['base'])
    expect(of('enhances')).toEqual(['editor'])
    expect(of('order')).toEqual(['first'])
  })

  it('empty: an archive of the trailer alone', async () => {
    const { files, outcome } = await readAll(fixture('empty-0-0.noarch'))
    expect(files).toEqual([])
    expect(outcome.archiveBytes).toBe(124)
  })

  it.each([
    ['w9.gzdio', 'gzip'],
    ['w9.bzdio', 'bzip2'],
    ['w6.xzdio', 'xz'],
    ['w2T2.xzdio', 'xz'],
    ['w6.lzdio', 'lzma'],
    ['w3.zstdio', 'zstd'],
    ['w.ufdio', 'none'],
  ])('payload %s: the same files for every compressor, in chunks of any size', async (kind, compressor) => {
    const numbers = Array.from({ length: 4000 }, (_, k) => `${k + 1}\n`).join('')
    const bytes = fixture(`payload-${kind}-1-1.noarch`)
    for (const size of [1, 4099, bytes.length]) {
      const { files, outcome } = await readAll(chunked(bytes, size))
      expect(outcome).toMatchObject({ compressor, checked: 'strong', warnings: [] })
      expect(files.map(({ path, content }) => [path, content.length])).toEqual([
        ['/usr/share/payload', 0],
        ['/usr/share/payload/empty', 0],
        ['/usr/share/payload/link', 0],
        ['/usr/share/payload/numbers', numbers.length],
        ['/usr/share/payload/small', 6],
      ])
      expect(files[3]?.content).toBe(numbers)
    }
  })

  it.each(['w9.gzdio', 'w9.bzdio', 'w6.xzdio', 'w2T2.xzdio', 'w6.lzdio', 'w3.zstdio', 'w.ufdio'])(
    'payload %s: damage anywhere is called damage',
    async kind => {
      const bytes = fixture(`payload-${kind}-1-1.noarch`)
      const { payload } = await readPackage(bytes)
      for (let k = 0; k < 40; k++) {
        const damaged = Buffer.from(bytes)
        damaged[payload.offset + Math.floor(((bytes.length - payload.offset) * k) / 40)]! ^= 1 << (k % 8)
        const { ok, problems } = await verify(damaged)
        expect(ok).toBe(false)
        expect(problems[0]).toMatch(/^payload-digest-mismatch: /)
      }
    },
  )
})
