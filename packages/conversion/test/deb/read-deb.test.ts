import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { CORPUS, hasCorpus } from '../../../../test/support/corpus.ts'
import { findTool, requireTool } from '../../../../test/support/requires.ts'
import { DebError } from '../../src/deb/deb-error.ts'
import { readDeb } from '../../src/deb/read-deb.ts'
import { parseDebRelations } from '../../src/deb/relations.ts'
import { bytesOf } from '../support/bytes.ts'
import { type ArMember, ar, buildDeb, tarOf } from '../support/deb-writer.ts'

const read = (deb: Buffer) => readDeb(bytesOf(deb))
const codeOf = (deb: Buffer): Promise<string> =>
  read(deb).then(
    ({ name }) => `read as ${name}`,
    (error: unknown) => (error instanceof DebError ? error.code : String(error)),
  )

describe('a DEB', () => {
  it('says what it is', async () => {
    const deb = await read(
      await buildDeb({ control: { Package: 'foo', Version: '1:2.0~rc1-3+b1', Architecture: 'amd64' } }),
    )
    expect(deb).toMatchObject({ name: 'foo', version: '1:2.0~rc1-3+b1', arch: 'amd64' })
  })

  it('keeps its fields, continued lines too', async () => {
    const controlText =
      'Package: a\nVersion: 1\nArchitecture: all\nDepends: b,\n c (>= 2)\n d\nDESCRIPTION: x\n\nPackage: other\n'
    const { control } = await read(await buildDeb({ controlText }))
    expect(control.get('depends')).toBe('b,\nc (>= 2)\nd')
    expect(control.get('description')).toBe('x')
    expect(control.get('package')).toBe('a')
  })

  it('may have its control file behind others, a slash after member names, and signatures in between', async () => {
    const deb = await buildDeb({
      beside: { './md5sums': 'x'.repeat(200_000) },
      members: ([format, control, data]) => [
        { ...format!, name: 'debian-binary/' },
        { name: '_gpgorigin', content: Buffer.from('odd') },
        control!,
        data!,
        { name: 'anything', content: Buffer.from('after') },
      ],
    })
    expect(await codeOf(deb)).toBe('read as test')
  })

  const controlAs = (name: string, content: Buffer) => (honest: ArMember[]) =>
    honest.map(member => (member.name === 'control.tar.gz' ? { name, content } : member))

  it('may have a control archive that is not packed, or packed by zstd', async () => {
    const tar = await tarOf({ control: 'Package: plain\nVersion: 1\nArchitecture: all\n' })
    expect(await codeOf(await buildDeb({ members: controlAs('control.tar', tar) }))).toBe('read as plain')
    const packed = zstdCompressSync(tar)
    expect(await codeOf(await buildDeb({ members: controlAs('control.tar.zst', packed) }))).toBe('read as plain')
  })

  it('is incomplete at every length but its own', async () => {
    const deb = await buildDeb()
    const codes = new Set<string>()
    for (let length = 8; length < deb.length - 1; length++) codes.add(await codeOf(deb.subarray(0, length)))
    // A cut between two members is one that lacks the next.
    expect([...codes].toSorted()).toEqual(['incomplete', 'missing-member', 'not-a-deb'])
  })

  it.each<[string, string, Parameters<typeof buildDeb>[0]]>([
    ['no debian-binary', 'not-a-deb', { members: ([, control, data]) => [control!, data!] }],
    [
      'another format',
      'unsupported-deb-version',
      { members: ([f, c, d]) => [{ ...f!, content: Buffer.from('3.0\n') }, c!, d!] },
    ],
    ['no control archive', 'missing-member', { members: ([format, , data]) => [format!, data!] }],
    ['no data archive', 'missing-member', { members: ([format, control]) => [format!, control!] }],
    ['a size that is no number', 'malformed-deb', { members: ([f, c, d]) => [f!, { ...c!, size: '-1' }, d!] }],
    ['a size in hex', 'malformed-deb', { members: ([f, c, d]) => [f!, { ...c!, size: '0x10' }, d!] }],
    ['bzip2 control', 'unsupported-compression', { members: controlAs('control.tar.bz2', Buffer.from('BZh9')) }],
    ['damaged gzip', 'corrupt-compression', { members: controlAs('control.tar.gz', Buffer.from('not gzip at all')) }],
    ['a control that is too large', 'control-too-large', { controlText: `Package: a\nX: ${'y'.repeat(5 << 20)}\n` }],
    ['no name', 'bad-control', { controlText: 'Version: 1\nArchitecture: all\n' }],
    ['a name with a slash', 'bad-control', { control: { Package: '../../etc' } }],
    ['a version with a space', 'bad-control', { control: { Version: '1 2' } }],
    ['a field twice', 'bad-control', { controlText: 'Package: a\nVersion: 1\nArchitecture: all\npackage: b\n' }],
    ['a line that is no field', 'bad-control', { controlText: 'Package: a\nhello\n' }],
  ])('with %s is refused: %s', async (_, code, spec) => {
    expect(await codeOf(await buildDeb(spec))).toBe(code)
  })

  it('with a control file nowhere in a bomb is refused before memory is gone', async () => {
    const bomb = gzipSync(
      Buffer.concat([await tarOf({ big: '' }).then(tar => tar.subarray(0, 512)), Buffer.alloc(96 << 20)]),
    )
    // The first header announces no content, so the zeros after it end the archive: no control file.
    expect(await codeOf(await buildDeb({ members: controlAs('control.tar.gz', bomb) }))).toMatch(
      /missing-member|control-too-large/,
    )
    const long = gzipSync(Buffer.concat([await tarOf({ big: 'x'.repeat(70 << 20) })]))
    expect(await codeOf(await buildDeb({ members: controlAs('control.tar.gz', long) }))).toBe('control-too-large')
  })

  it('of any bytes is refused, not thrown over', async () => {
    const deb = await buildDeb()
    for (let at = 0; at < deb.length; at += 5) {
      const changed = Buffer.from(deb)
      changed[at]! ^= 0x41
      expect(await codeOf(changed)).toMatch(/^(read as |[a-z-]+$)/)
    }
    expect(await codeOf(ar([]))).toBe('not-a-deb')
    expect(await codeOf(Buffer.alloc(0))).toBe('not-a-deb')
  })
})

describe('relations', () => {
  it('are groups of alternatives', () => {
    expect(parseDebRelations('a (>= 1:2-3) | b:any, c(<<4) , d [amd64] <!nocheck>, e (> 1)')).toEqual([
      [
        { name: 'a', qualifier: '', operator: '>=', version: '1:2-3' },
        { name: 'b', qualifier: 'any', operator: '', version: '' },
      ],
      [{ name: 'c', qualifier: '', operator: '<<', version: '4' }],
      [{ name: 'd', qualifier: '', operator: '', version: '' }],
      [{ name: 'e', qualifier: '', operator: '>=', version: '1' }],
    ])
  })

  it('that cannot be read are refused', () => {
    expect(() => parseDebRelations('a (~ 1)')).toThrow(DebError)
    expect(() => parseDebRelations('a b')).toThrow(DebError)
  })
})

describe.skipIf(!requireTool('dpkg-deb'))('a DEB of the real dpkg-deb', () => {
  const folder = mkdtempSync(join(tmpdir(), 'diskful-deb-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(['gzip', 'xz', 'zstd', 'none'])('packed by %s says the same as dpkg-deb', async compression => {
    const tree = join(folder, compression)
    mkdirSync(join(tree, 'DEBIAN'), { recursive: true })
    writeFileSync(
      join(tree, 'DEBIAN/control'),
      'Package: made-by-dpkg\nVersion: 1:2.3-4\nArchitecture: amd64\nMaintainer: t <t@example.org>\nDepends: libc6 (>= 2.36),\n other | third\nDescription: x\n',
    )
    const file = join(folder, `${compression}.deb`)
    execFileSync('dpkg-deb', ['--root-owner-group', '--uniform-compression', `-Z${compression}`, '-b', tree, file])
    const { name, version, arch, control } = await read(readFileSync(file))
    const says = (field: string) => execFileSync('dpkg-deb', ['-f', file, field], { encoding: 'utf8' }).trim()
    expect([name, version, arch]).toEqual([says('Package'), says('Version'), says('Architecture')])
    expect(control.get('depends')?.replace(/\s+/g, ' ')).toBe(says('Depends').replace(/\s+/g, ' '))
  })
})

describe.skipIf(!hasCorpus() || findTool('dpkg-deb') === undefined)('real DEBs', () => {
  const debs = readdirSync(join(CORPUS, 'deb'), { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.deb'),
  )

  it.each(debs)('%s is read as dpkg-deb reads it', async file => {
    const path = join(CORPUS, 'deb', file)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own format
    const format = '--showformat=${Package} ${Version} ${Architecture}'
    let expected: string
    try {
      expected = execFileSync('dpkg-deb', ['-W', format, path], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    } catch {
      expected = 'refused'
    }
    const found = await read(readFileSync(path)).then(
      ({ name, version, arch }) => `${name} ${version} ${arch}`,
      () => 'refused',
    )
    expect(found).toBe(expected)
  })
})
