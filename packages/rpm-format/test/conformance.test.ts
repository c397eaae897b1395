import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readPackage } from '../src/index.ts'
import { SignatureTag, Tag } from '../src/tags.ts'
import { newc, stripped, trailer } from './support/cpio-writer.ts'
import { binary, int32, int64, text, texts } from './support/header-writer.ts'
import { readAll, refusal } from './support/reading.ts'
import { buildRpm, type RpmSpec, type TestFile, withoutTag, withTag } from './support/rpm-writer.ts'

const file = (path: string, content = 'x'): TestFile => ({ path, content })
const refused = (spec: RpmSpec) => refusal(buildRpm(spec))
const warnings = async (spec: RpmSpec) => (await readAll(buildRpm(spec))).outcome.warnings.map(({ code }) => code)

/** Changes the index entry of a tag: field 0 is the tag, 1 the type, 2 the offset, 3 the count. */
function indexField(tag: number, field: number, value: number | ((old: number) => number)) {
  return (bytes: Buffer) => {
    for (let at = 16; at < 16 + 16 * bytes.readUInt32BE(8); at += 16) {
      if (bytes.readUInt32BE(at) !== tag) continue
      const old = bytes.readUInt32BE(at + field * 4)
      bytes.writeUInt32BE((typeof value === 'number' ? value : value(old)) >>> 0, at + field * 4)
      return bytes
    }
    throw new Error(`no tag ${tag} to change`)
  }
}

/** Changes the region's trailer: the last 16 bytes of a header. */
function trailerField(field: number, value: number) {
  return (bytes: Buffer) => {
    bytes.writeUInt32BE(value >>> 0, bytes.length - 16 + field * 4)
    return bytes
  }
}

describe('the lead', () => {
  it.each([
    ['another signature type', 78, 'unsupported-version'],
    ['another magic', 0, 'not-an-rpm'],
  ])('with %s is refused', async (_, at, code) => {
    const lead = (bytes: Buffer) => {
      bytes[at]! ^= 1
      return bytes
    }
    expect(await refused({ lead })).toBe(code)
  })
  it('of a bare delta RPM is called so', async () => {
    expect(await refusal(Buffer.from('drpmDLT3 and more'))).toBe('delta-rpm')
    expect(await refused({ header: withTag(text(Tag.PAYLOADFORMAT, 'drpm')) })).toBe('delta-rpm')
  })
})

describe('a header container', () => {
  it.each([
    ['an unknown type', indexField(Tag.NAME, 1, 10)],
    ['type NULL', indexField(Tag.NAME, 1, 0)],
    ['a count of 0', indexField(Tag.NAME, 3, 0)],
    ['a STRING of two', indexField(Tag.NAME, 3, 2)],
    ['a count beyond the data', indexField(Tag.BUILDTIME, 3, 100_000)],
    ['a negative offset', indexField(Tag.NAME, 2, -8)],
    ['an offset behind the data', indexField(Tag.NAME, 2, 100_000)],
    ['an offset that is not aligned', indexField(Tag.BUILDTIME, 2, old => old + 1)],
    ['a tag below 100', indexField(Tag.NAME, 0, 99)],
    ['another magic', (bytes: Buffer) => bytes.fill(0, 3, 4)],
    ['reserved bytes that are set', (bytes: Buffer) => bytes.fill(1, 4, 5)],
  ])('with %s is malformed', async (_, headerBytes) => {
    expect(await refused({ headerBytes })).toBe('malformed-header')
  })

  it('holds arrays of up to 1,048,575 members', async () => {
    const members = (count: number) => withTag({ tag: 9000, type: 2, count, data: Buffer.alloc(count) })
    expect(await refused({ header: members(1_048_575) })).toBe('accepted')
    expect(await refused({ header: members(1_048_576) })).toBe('header-too-large')
  })

  it('of signatures holds up to 32 entries', async () => {
    const entries = (count: number) => (tags: Parameters<NonNullable<RpmSpec['signature']>>[0]) => [
      ...tags,
      ...Array.from({ length: count - tags.length - 1 }, (_, k) => int32(2000 + k, k)),
    ]
    expect(await refused({ signature: entries(32) })).toBe('accepted')
    expect(await refused({ signature: entries(33) })).toBe('header-too-large')
  })

  it.each([
    ['another tag', trailerField(0, 62)],
    ['another type', trailerField(1, 6)],
    ['another count', trailerField(3, 32)],
    ['a positive offset', trailerField(2, 16)],
    ['no whole number of entries', trailerField(2, -17)],
    ['fewer entries than there are', trailerField(2, -16)],
    ['more entries than there are', trailerField(2, -16 * 1000)],
    ['INT32_MIN', trailerField(2, 0x80000000)],
    ['its trailer outside the data', indexField(Tag.HEADERIMMUTABLE, 2, 100_000)],
    ['its trailer before the data', indexField(Tag.HEADERIMMUTABLE, 2, -16)],
    ['its trailer before the end of the data', indexField(Tag.HEADERIMMUTABLE, 2, old => old - 16)],
    ['a type other than BIN', indexField(Tag.HEADERIMMUTABLE, 1, 6)],
    ['a count other than 16', indexField(Tag.HEADERIMMUTABLE, 3, 17)],
  ])('whose region has %s is malformed', async (_, headerBytes) => {
    expect(await refused({ headerBytes })).toBe('malformed-header')
  })

  it('of signatures may have entries outside its region, and HEADERIMAGE in its trailer', async () => {
    const outside = (bytes: Buffer) => {
      // The last entry leaves the region: it covers one less, and its trailer comes before that value.
      bytes.writeInt32BE(bytes.readInt32BE(bytes.length - 8) + 16, bytes.length - 8)
      return bytes
    }
    expect(await refused({ signatureBytes: trailerField(0, Tag.HEADERIMAGE) })).toBe('accepted')
    expect(await refused({ signatureBytes: outside })).toBe('accepted')
    expect(await refused({ headerBytes: outside })).toBe('malformed-header')
  })

  it('of signatures may list its tags in any order', async () => {
    expect(await refused({ signature: tags => tags.toReversed() })).toBe('accepted')
  })

  it('stores i18n strings as plain strings, too', async () => {
    const { header } = await readPackage(buildRpm({ header: withTag(text(Tag.SUMMARY, 'plain')) }))
    expect(header.string(Tag.SUMMARY)).toBe('plain')
    expect(header.strings(Tag.SUMMARY)).toEqual(['plain'])
  })
})

describe('formats', () => {
  it('v3: no regions, full names, MD5', async () => {
    const { package: rpm, files, outcome } = await readAll(buildRpm({ format: 3, files: [file('/usr/bin/x', 'old')] }))
    expect(rpm).toMatchObject({ format: 3, payload: { coverage: 'weak' } })
    expect(rpm.files.at(0)?.digest).toBe(createHash('md5').update('old').digest('hex'))
    expect(files).toEqual([{ path: '/usr/bin/x', links: [], content: 'old' }])
    expect(outcome.checked).toBe('weak')
  })
  it('v3 without any digest says that nothing was checked', async () => {
    const { outcome } = await readAll(
      buildRpm({ format: 3, files: [file('/x')], signature: withoutTag(SignatureTag.MD5) }),
    )
    expect(outcome.checked).toBe('none')
  })
  it('v4 with LONGFILESIZES and small files', async () => {
    const files = [file('/a', 'one'), { path: '/d', mode: 0o040755, size: 4096 }, file('/z', 'two')]
    const spec: RpmSpec = {
      files,
      header: tags => withTag(int64(Tag.LONGFILESIZES, 3, 4096, 3))(withoutTag(Tag.FILESIZES)(tags)),
      archive: () => [stripped(2, 'two'), stripped(1), stripped(0, 'one'), trailer()],
    }
    const { files: read } = await readAll(buildRpm(spec))
    expect(read.map(({ path, content }) => [path, content])).toEqual([
      ['/z', 'two'],
      ['/d', ''],
      ['/a', 'one'],
    ])
  })
  it('v6 ends with a stripped trailer as well as with a newc one', async () => {
    expect(
      await refused({ format: 6, files: [file('/x')], archive: ([entry]) => [entry!, stripped(0xffffffff)] }),
    ).toBe('accepted')
  })
  it('v6 ignores signature tags from 1000 on', async () => {
    const bytes = buildRpm({ format: 6, signature: tags => [...tags, binary(SignatureTag.MD5, Buffer.alloc(16))] })
    expect(await refusal(bytes)).toBe('accepted')
  })
  it('of the future are refused', async () => {
    expect(await refused({ header: withTag(int32(Tag.RPMFORMAT, 7)) })).toBe('unsupported-version')
    expect(
      await refused({ files: [file('/x')], archive: () => [newc('./x', 'x', { magic: '07070A' }), trailer()] }),
    ).toBe('unknown-archive')
  })
  it('source packages of old say nothing of it but have bare names', async () => {
    const spec: RpmSpec = {
      files: [file('/x.spec')],
      header: tags => withTag(texts(Tag.DIRNAMES, ''), texts(Tag.BASENAMES, 'x.spec'))(withoutTag(Tag.SOURCERPM)(tags)),
      archive: () => [newc('x.spec', 'x'), trailer()],
    }
    const { package: rpm } = await readAll(buildRpm(spec))
    expect(rpm).toMatchObject({ isSource: true, nevra: { arch: 'src' } })
    expect([...rpm.files.paths()]).toEqual(['/x.spec'])
  })
  it('source packages without their sources are nosrc', async () => {
    const { nevra } = await readPackage(
      buildRpm({ header: withTag(int32(Tag.SOURCEPACKAGE, 1), int32(Tag.NOSOURCE, 0)) }),
    )
    expect(nevra.arch).toBe('nosrc')
  })
})

describe('archives', () => {
  it('name the compressor wrongly or not at all', async () => {
    expect(await warnings({ files: [file('/x')], compressor: 'xz' })).toEqual(['compressor-differs'])
    expect(await warnings({ files: [file('/x')], compressor: null })).toEqual([])
    expect(await warnings({ files: [file('/x')], compressor: 'gzip', compress: archive => archive })).toEqual([
      'compressor-differs',
    ])
  })
  it('may be of the CRC flavour', async () => {
    expect(
      await refused({ files: [file('/x')], archive: () => [newc('./x', 'x', { magic: '070702' }), trailer()] }),
    ).toBe('accepted')
  })
  it('may hold ghosts, which are left out', async () => {
    const spec: RpmSpec = {
      files: [{ ...file('/g', 'boo'), flags: 64 }, file('/x')],
      archive: ([x]) => [newc('./g', 'boo'), x!, trailer()],
    }
    const { files, outcome } = await readAll(buildRpm(spec))
    expect(files.map(({ path }) => path)).toEqual(['/x'])
    expect(outcome.warnings).toMatchObject([{ code: 'ghost-in-archive', path: '/g' }])
  })
  it('may call a file by another type than the header, which counts', async () => {
    const spec: RpmSpec = { files: [file('/x')], archive: () => [newc('./x', 'x', { mode: 0o120777 }), trailer()] }
    const { package: rpm, outcome } = await readAll(buildRpm(spec))
    expect(rpm.files.at(0)?.type).toBe('file')
    expect(outcome.warnings).toMatchObject([{ code: 'archive-type-differs', path: '/x' }])
  })
  it('are warned of a thousand times at most', async () => {
    const files = Array.from({ length: 1500 }, (_, k) => file(`/${k}`))
    const archive = () => [...files.map(({ path }) => newc(`.${path}`, 'x', { mode: 0o120777 })), trailer()]
    const codes = await warnings({ files, archive })
    expect(codes).toHaveLength(1001)
    expect(codes.at(-1)).toBe('more-warnings')
  })
  it('keep bytes of names that are no UTF-8', async () => {
    const { files } = await readAll(buildRpm({ files: [file('/caf\xe9')] }))
    expect(files[0]?.path).toBe('/caf\xe9')
  })
  it('of nothing but a trailer are empty packages', async () => {
    expect((await readAll(buildRpm({}))).outcome.archiveBytes).toBe(124)
  })
})

describe('hardlinks', () => {
  const member = (path: string, fields: Partial<TestFile> = {}): TestFile => ({
    ...file(path, 'same'),
    inode: 5,
    ...fields,
  })

  it('as rpm up to 4.11 orders them: the set where its last name is', async () => {
    const files = [member('/a'), file('/b'), member('/c'), file('/d')]
    const { files: read } = await readAll(buildRpm({ files }))
    expect(read.map(({ path, links }) => [path, ...links])).toEqual([['/b'], ['/c', '/a'], ['/d']])
  })
  it('as rpm from 4.12 on orders them: after all other files', async () => {
    const files = [member('/a'), file('/b'), member('/c'), file('/d')]
    const { files: read } = await readAll(buildRpm({ files, archive: ([a, b, c, d, end]) => [b!, d!, a!, c!, end!] }))
    expect(read.map(({ path, links }) => [path, ...links])).toEqual([['/b'], ['/d'], ['/c', '/a']])
  })
  it('need both numbers: without FILEDEVICES, or with inode 0, there are none', async () => {
    const files = [member('/a'), member('/b')]
    const both = ([, , end]: Buffer[]) => [newc('./a', 'same'), newc('./b', 'same'), end!]
    expect(
      (await readAll(buildRpm({ files, header: withoutTag(Tag.FILEDEVICES), archive: both }))).files.map(
        ({ links }) => links,
      ),
    ).toEqual([[], []])
    const zero = [member('/a', { inode: 0 }), member('/b', { inode: 0 })]
    expect((await readAll(buildRpm({ files: zero }))).files.map(({ links }) => links)).toEqual([[], []])
  })
  it('on different devices are different files', async () => {
    const files = [member('/a'), member('/b', { device: 2, inode: 5 })]
    const archive = ([, , end]: Buffer[]) => [newc('./a', 'same'), newc('./b', 'same'), end!]
    expect((await readAll(buildRpm({ files, archive }))).files.map(({ links }) => links)).toEqual([[], []])
  })
  it('do not count ghosts', async () => {
    const files = [member('/a'), member('/g', { flags: 64 }), member('/b')]
    expect((await readAll(buildRpm({ files }))).files).toEqual([{ path: '/b', links: ['/a'], content: 'same' }])
  })
  it('without content are given at their last name', async () => {
    const files = [member('/a', { content: '' }), member('/b', { content: '' })]
    expect((await readAll(buildRpm({ files }))).files).toEqual([{ path: '/b', links: ['/a'], content: '' }])
  })
  it('may say more links than the package has', async () => {
    const archive = ([, end]: Buffer[]) => [newc('./a', 'x', { nlink: 9 }), end!]
    expect(await refused({ files: [file('/a')], archive })).toBe('accepted')
  })
})

describe('digests', () => {
  const spec: RpmSpec = { files: [file('/x', 'content')] }
  const wrong = (length: number) => 'ab'.repeat(length / 2)

  it.each([
    ['SHA1', { signature: withTag(text(SignatureTag.SHA1, wrong(40))) }, 'header-digest-mismatch'],
    ['SHA256', { signature: withTag(text(SignatureTag.SHA256, wrong(64))) }, 'header-digest-mismatch'],
    ['SHA3-256', { signature: withTag(text(SignatureTag.SHA3_256, wrong(64))) }, 'header-digest-mismatch'],
    ['MD5', { signature: withTag(binary(SignatureTag.MD5, Buffer.alloc(16))) }, 'payload-digest-mismatch'],
    [
      'both sides',
      { header: withTag(texts(Tag.PAYLOADSHA256, wrong(64)), texts(Tag.PAYLOADSHA256ALT, wrong(64))) },
      'payload-digest-mismatch',
    ],
    [
      'SHA512 of v6',
      { format: 6, header: withTag(text(Tag.PAYLOADSHA512, wrong(128)), text(Tag.PAYLOADSHA512ALT, wrong(128))) },
      'payload-digest-mismatch',
    ],
    [
      'SHA3 of v6',
      { format: 6, header: withTag(text(Tag.PAYLOADSHA3_256, wrong(64)), text(Tag.PAYLOADSHA3_256ALT, wrong(64))) },
      'payload-digest-mismatch',
    ],
    ['a file', { files: [{ ...file('/x'), digest: wrong(64) }] }, 'file-digest-mismatch'],
  ] satisfies [string, RpmSpec, string][])('%s that does not hold', async (_, lie, code) => {
    expect(await refused({ ...spec, ...lie })).toBe(code)
  })

  it('of one side may fail where the other holds: recompressing is legal', async () => {
    expect(await refused({ ...spec, header: withTag(texts(Tag.PAYLOADSHA256, wrong(64))) })).toBe('accepted')
    expect(await refused({ ...spec, header: withTag(texts(Tag.PAYLOADSHA256ALT, wrong(64))) })).toBe('accepted')
  })
  it('are compared whatever the case of their digits', async () => {
    const upper = (tags: Parameters<NonNullable<RpmSpec['header']>>[0]) =>
      tags.map(entry =>
        entry.tag === 5092 || entry.tag === 1035
          ? { ...entry, data: Buffer.from(entry.data.toString('latin1').toUpperCase()) }
          : entry,
      )
    expect(await refused({ ...spec, header: upper })).toBe('accepted')
  })
  it('of files that are no digest are refused', async () => {
    expect(await refused({ files: [{ ...file('/x'), digest: 'abc' }] })).toBe('bad-file-digest')
    expect(await refused({ files: [{ ...file('/x'), digest: 'zz'.repeat(32) }] })).toBe('bad-file-digest')
  })
  it('of empty files may be zeros, as old writers put them', async () => {
    expect(await refused({ format: 3, files: [{ path: '/x', content: '', digest: '0'.repeat(32) }] })).toBe('accepted')
  })
})
