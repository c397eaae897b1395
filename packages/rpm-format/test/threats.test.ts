import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { entries, openPackage, readPackage } from '../src/index.ts'
import { SignatureTag, Tag } from '../src/tags.ts'
import { newc, stripped, trailer } from './support/cpio-writer.ts'
import { int16, int32, int64, text, texts } from './support/header-writer.ts'
import { chunked, readAll, refusal } from './support/reading.ts'
import { buildRpm, type RpmSpec, type TestFile, withoutTag, withTag } from './support/rpm-writer.ts'

const dir = (path: string): TestFile => ({ path, mode: 0o040755 })
const link = (path: string, linkTarget: string): TestFile => ({ path, mode: 0o120777, linkTarget })
const file = (path: string, content = 'x'): TestFile => ({ path, content })
const refused = (spec: RpmSpec) => refusal(buildRpm(spec))

/** An honest archive entry of this one file replaced by what the attacker writes. */
const archiveOf = (...attack: Buffer[]) => ({ archive: () => [...attack, trailer()] })

describe('the threat model', () => {
  it('has a writer that makes sound packages unless told otherwise', async () => {
    for (const format of [3, 4, 6] as const) {
      const { files, outcome } = await readAll(
        buildRpm({ format, files: [dir('/a'), file('/a/b', 'hello'), link('/a/c', 'b')] }),
      )
      expect(files).toEqual([
        { path: '/a', links: [], content: '' },
        { path: '/a/b', links: [], content: 'hello' },
        { path: '/a/c', links: [], content: '' },
      ])
      expect(outcome.warnings).toEqual([])
    }
  })

  describe('T01 paths that climb or are absolute', () => {
    it.each(['/../etc/passwd', '/a/../../b', '/a/..', '/..'])('refuses %s in the header', async path => {
      expect(await refused({ files: [file(path)] })).toBe('bad-file-path')
    })
    it('refuses .. that only the join of DIRNAMES and BASENAMES makes', async () => {
      const header = withTag(texts(Tag.DIRNAMES, '/usr/.'), texts(Tag.BASENAMES, './x'))
      expect(await refused({ files: [file('/usr/x')], header, ...archiveOf(newc('./usr/../x', 'x')) })).toBe(
        'bad-file-path',
      )
    })
    it.each(['./../x', '../x', '/a/../x'])('refuses the archive name %s', async name => {
      expect(await refused({ files: [file('/x')], ...archiveOf(newc(name, 'x')) })).toBe('bad-file-path')
    })
    it('takes ./usr/x, /usr/x and usr/x for the same file', async () => {
      for (const name of ['./usr/x', '/usr/x', 'usr/x']) {
        expect(await refused({ files: [file('/usr/x')], ...archiveOf(newc(name, 'x')) })).toBe('accepted')
      }
    })
    it('collapses // and /./', async () => {
      const { files } = await readAll(buildRpm({ files: [file('/usr//./x')] }))
      expect(files.map(({ path }) => path)).toEqual(['/usr/x'])
    })
  })

  it('T02 an archive entry that the header does not list', async () => {
    const spec: RpmSpec = { files: [file('/x')], archive: honest => [newc('./stray', 'boo'), ...honest] }
    expect(await refused(spec)).toBe('file-not-in-header')
    const { files, outcome } = await readAll(buildRpm(spec), { lenient: true })
    expect(files.map(({ path }) => path)).toEqual(['/x'])
    expect(outcome.warnings.map(({ code }) => code)).toEqual(['file-not-in-header'])
    expect(
      await refused({
        format: 6,
        files: [file('/x')],
        archive: honest => [...honest.slice(0, -1), stripped(1), trailer()],
      }),
    ).toBe('file-not-in-header')
  })

  describe('T03 files reached through links of the package', () => {
    it('refuses a file below a symlink, in either order', async () => {
      const both = [link('/a/l', '/etc'), file('/a/l/passwd')]
      expect(await refused({ files: both })).toBe('path-below-non-directory')
      expect(await refused({ files: both.toReversed() })).toBe('path-below-non-directory')
    })
    it('refuses a file below a file, however deep', async () => {
      expect(await refused({ files: [file('/a'), file('/a/b/c/d')] })).toBe('path-below-non-directory')
    })
    it('keeps absolute targets; climbing ones are refused on request', async () => {
      const absolute = buildRpm({ files: [link('/a/l', '/etc/x')] })
      const climbing = buildRpm({ files: [link('/a/l', '../../etc/x')] })
      const inside = buildRpm({ files: [link('/a/b/l', '../../etc/x')] })
      expect((await readPackage(absolute)).files.at(0)).toMatchObject({ linkTarget: '/etc/x' })
      expect(await refusal(climbing)).toBe('accepted')
      expect(await refusal(climbing, { rejectEscapingSymlinks: true })).toBe('escaping-symlink')
      expect(await refusal(inside, { rejectEscapingSymlinks: true })).toBe('accepted')
      expect(await refusal(absolute, { rejectEscapingSymlinks: true })).toBe('accepted')
    })
  })

  it('T04 links are given only together with the content that they share', async () => {
    const files = [{ ...file('/a', 'same'), inode: 7 }, file('/b'), { ...file('/c', 'same'), inode: 7 }]
    const { files: read } = await readAll(buildRpm({ files }))
    expect(read).toEqual([
      { path: '/b', links: [], content: 'x' },
      { path: '/c', links: ['/a'], content: 'same' },
    ])
  })

  describe('T05 header bombs', () => {
    const intro = (il: number, dl: number) => (bytes: Buffer) => {
      bytes.writeUInt32BE(il, 8)
      bytes.writeUInt32BE(dl, 12)
      return bytes
    }
    it.each([
      ['65,536 entries', intro(65_536, 1000)],
      ['4 billion entries', intro(0xffffffff, 1000)],
      ['256 MiB of data', intro(10, 0x10000000)],
      ['4 GiB of data', intro(10, 0xffffffff)],
      ['more data than the default limit', intro(10, 64 * 1024 * 1024 + 1)],
    ])('refuses %s before reading them', async (_, headerBytes) => {
      expect(await refused({ headerBytes })).toBe('header-too-large')
    })
    it.each([
      ['33 entries', intro(33, 1000)],
      ['more than 64 MiB', intro(5, 64 * 1024 * 1024 + 1)],
    ])('refuses %s in the signature header', async (_, signatureBytes) => {
      expect(await refused({ signatureBytes })).toBe('header-too-large')
    })
    it('needs no memory for data that never comes', async () => {
      const before = process.memoryUsage().arrayBuffers
      expect(await refused({ headerBytes: intro(10, 64 * 1024 * 1024) })).toBe('truncated-header')
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
    })
    it('refuses overlapping values, which would multiply the work', async () => {
      const overlap = (bytes: Buffer) => {
        bytes.copy(bytes, 16 + 16 * 3 + 8, 16 + 16 * 2 + 8, 16 + 16 * 2 + 12)
        return bytes
      }
      expect(await refused({ headerBytes: overlap })).toBe('malformed-header')
    })
    it('refuses more files than the limit', async () => {
      const files = Array.from({ length: 11 }, (_, k) => file(`/${k}`))
      expect(await refusal(buildRpm({ files }), { limits: { files: 10 } })).toBe('too-many-files')
      expect(await refusal(buildRpm({ files }), { limits: { files: 11 } })).toBe('accepted')
    })
  })

  it('T06 one long directory times many files', async () => {
    const directory = `/${'d'.repeat(4_000)}/`
    const header = (name: string) => withTag(texts(Tag.DIRNAMES, directory), texts(Tag.BASENAMES, name))
    const spec = (name: string) => ({
      files: [file('/x')],
      header: header(name),
      ...archiveOf(newc(`.${directory}${name}`, 'x')),
    })
    expect(await refused(spec('n'.repeat(93)))).toBe('malformed-cpio') // with . and NUL it is too long for an archive
    expect(await refused(spec('n'.repeat(92)))).toBe('accepted')
    expect(await refused({ ...spec('n'.repeat(95)), archive: entries => entries })).toBe('bad-file-path')
  })

  describe('T07 decompression bombs', () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
    it('stops where the archive grows beyond what the header predicts', async () => {
      expect(await refused({ files: [file('/x')], payload: () => bomb })).toBe('payload-too-large')
    })
    it('stops behind the trailer, too', async () => {
      const archive = (honest: Buffer[]) => [...honest, Buffer.alloc(1024 * 1024)]
      expect(await refused({ files: [file('/x')], archive })).toBe('payload-too-large')
    })
    it('stops at the limit for any archive', async () => {
      const big = buildRpm({ files: [file('/x', 'y'.repeat(2_000_000))] })
      expect(await refusal(big, { limits: { archiveBytes: 1_000_000 } })).toBe('payload-too-large')
      expect(await refusal(big, { limits: { archiveBytes: 3_000_000 } })).toBe('accepted')
    })
    it('stops at a ratio that only bombs reach', async () => {
      const zeros = buildRpm({ files: [file('/x', '\0'.repeat(4_000_000))] })
      expect(await refusal(zeros, { limits: { ratio: 100, ratioFrom: 1_000_000 } })).toBe('payload-too-large')
      expect(await refusal(zeros, { limits: { ratio: 100 } })).toBe('accepted')
    })
  })

  describe('T08 values that two readers could take differently', () => {
    it('refuses a tag that stands twice', async () => {
      expect(await refused({ header: tags => [...tags, text(Tag.NAME, 'other')] })).toBe('duplicate-tag')
      expect(await refused({ signature: tags => [...tags, int32(SignatureTag.SIZE, 1)] })).toBe('duplicate-tag')
    })
    it('refuses both size tags', async () => {
      expect(await refused({ files: [file('/x')], header: withTag(int64(Tag.LONGFILESIZES, 1)) })).toBe('duplicate-tag')
    })
    it('refuses both name schemes', async () => {
      expect(await refused({ files: [file('/x')], header: withTag(texts(Tag.OLDFILENAMES, '/x')) })).toBe(
        'duplicate-tag',
      )
    })
  })

  describe('T09 parallel arrays of different lengths', () => {
    const files = [file('/a/x'), file('/b/y')]
    it.each([
      ['FILESIZES', int32(Tag.FILESIZES, 1)],
      ['FILEMODES', int16(Tag.FILEMODES, 0o100644, 0o100644, 0o100644)],
      ['FILEDIGESTS', texts(Tag.FILEDIGESTS, '')],
      ['FILELINKTOS', texts(Tag.FILELINKTOS, '', '', '')],
      ['FILEUSERNAME', texts(Tag.FILEUSERNAME, 'root')],
      ['FILEFLAGS', int32(Tag.FILEFLAGS, 0)],
      ['FILEINODES', int32(Tag.FILEINODES, 1, 2, 3)],
      ['DIRINDEXES', int32(Tag.DIRINDEXES, 0)],
      ['DIRINDEXES out of range', int32(Tag.DIRINDEXES, 0, 2)],
      ['BASENAMES', texts(Tag.BASENAMES, 'x')],
    ])('refuses %s', async (_, tag) => {
      expect(await refused({ files, header: withTag(tag) })).toBe('array-mismatch')
    })
    it('refuses file tags without files', async () => {
      expect(await refused({ header: withTag(int32(Tag.FILESIZES, 1)) })).toBe('array-mismatch')
    })
  })

  it.each([
    ['longer', newc('./x', 'xy')],
    ['shorter', newc('./x', '')],
  ])('T10 an archive that frames a file %s than the header', async (_, entry) => {
    expect(await refused({ files: [file('/x')], ...archiveOf(entry) })).toBe('size-mismatch')
  })

  it('T10 a directory with content', async () => {
    expect(await refused({ files: [dir('/d')], ...archiveOf(newc('./d', 'hidden', { mode: 0o040755 })) })).toBe(
      'size-mismatch',
    )
  })

  it('T11 sizes beyond 2^53, alone or together', async () => {
    const sizes = (...values: bigint[]) => ({
      files: values.map((_, k) => file(`/${k}`)),
      format: 6 as const,
      header: withTag(int64(Tag.LONGFILESIZES, ...values)),
    })
    expect(await refused(sizes(2n ** 53n))).toBe('number-too-large')
    expect(await refused(sizes(2n ** 64n - 1n))).toBe('number-too-large')
    expect(await refused(sizes(2n ** 53n - 1n, 2n ** 53n - 1n))).toBe('bad-file-size')
  })

  it.each(['+0000001', ' 0000001', '-0000001', '0x000001', '0000 001', '0000001\0', '0000000g', '00000 01'])(
    'T12 the field %j, which strtoul would take',
    async field => {
      const entry = newc('./x', 'x')
      entry.write(field, 54, 'latin1')
      expect(await refused({ files: [file('/x')], ...archiveOf(entry) })).toBe('malformed-cpio')
      const inode = newc('./x', 'x')
      inode.write(field, 6, 'latin1')
      expect(await refused({ files: [file('/x')], ...archiveOf(inode) })).toBe('malformed-cpio')
    },
  )

  it('T12 garbage before an entry is never skipped', async () => {
    expect(await refused({ files: [file('/x')], archive: honest => [Buffer.from('junk'), ...honest] })).toBe(
      'unknown-archive',
    )
  })

  it.each([
    ['a NUL within', newc('./x\0y', 'x')],
    ['no NUL at the end', newc('./x', 'x', { namesize: 3 })],
    ['no length', newc('./x', 'x', { namesize: 0 })],
    ['4 GiB', newc('./x', 'x', { namesize: 0xffffffff })],
    ['4097 bytes', newc('./x', 'x', { namesize: 4097 })],
  ])('T13 a name with %s', async (_, entry) => {
    expect(await refused({ files: [file('/x')], ...archiveOf(entry) })).toBe('malformed-cpio')
  })

  describe('T14 trailers that are none, and what follows them', () => {
    it('refuses a trailer with content', async () => {
      expect(await refused({ archive: () => [newc('TRAILER!!!', 'boo')] })).toBe('malformed-cpio')
    })
    it('refuses a second archive behind the trailer', async () => {
      const spec: RpmSpec = { files: [file('/x')], archive: honest => [...honest, newc('./y', 'y'), trailer()] }
      expect(await refused(spec)).toBe('trailing-data')
      const { outcome } = await readAll(buildRpm(spec), { lenient: true })
      expect(outcome.warnings.map(({ code }) => code)).toEqual(['trailing-data'])
    })
    it('takes zeros behind it for padding', async () => {
      expect(await refused({ files: [file('/x')], archive: honest => [...honest, Buffer.alloc(512)] })).toBe('accepted')
    })
    it('refuses a package whose trailer comes before its files', async () => {
      expect(await refused({ files: [file('/x')], archive: honest => honest.toReversed() })).toBe('missing-file')
    })
  })

  describe('T15 files that are missing or come again', () => {
    it.each([4, 6] as const)('refuses both in format %d', async format => {
      const files = [file('/x'), file('/y')]
      expect(await refused({ format, files, archive: honest => honest.slice(1) })).toBe('missing-file')
      expect(await refused({ format, files, archive: honest => [honest[0]!, ...honest] })).toBe('repeated-file')
    })
    it('refuses one path under two names in the header', async () => {
      expect(await refused({ files: [file('/a/x'), file('/a//x')] })).toBe('bad-file-path')
    })
  })

  describe('T16 forged hardlink sets', () => {
    const set = (a: Partial<TestFile>, b: Partial<TestFile> = {}): TestFile[] => [
      { ...file('/a', 'same'), inode: 7, ...a },
      { ...file('/b', 'same'), inode: 7, ...b },
    ]
    it('refuses members of different sizes or digests', async () => {
      expect(await refused({ files: set({ size: 5 }) })).toBe('bad-hardlink-set')
      expect(await refused({ files: set({ digest: createHash('sha256').update('other').digest('hex') }) })).toBe(
        'bad-hardlink-set',
      )
    })
    it('refuses content on any but the last', async () => {
      const archive = [newc('./a', 'same'), newc('./b', 'same')]
      expect(await refused({ files: set({}), ...archiveOf(...archive) })).toBe('bad-hardlink-set')
    })
    it('warns of a setuid bit that hides in the set; the last member counts', async () => {
      const {
        package: { files },
        outcome,
      } = await readAll(buildRpm({ files: set({}, { mode: 0o104755 }) }))
      expect(outcome.warnings).toMatchObject([{ code: 'hardlink-metadata-differs', path: '/a' }])
      expect([...files].map(({ mode }) => mode)).toEqual([0o644, 0o4755])
    })
  })

  it('T17 setuid files, devices and sockets are told, not hidden', async () => {
    const {
      package: { files },
    } = await readAll(
      buildRpm({
        files: [
          { ...file('/su'), mode: 0o106755 },
          { path: '/dev/null', mode: 0o020666, rdev: 0x0103 },
          { path: '/sock', mode: 0o140755 },
        ],
      }),
    )
    expect([...files]).toMatchObject([
      { type: 'file', mode: 0o6755, device: undefined },
      { type: 'character-device', device: { major: 1, minor: 3 } },
      { type: 'socket' },
    ])
  })

  describe('T18 symlinks', () => {
    it('refuses a target of 4 GiB without taking memory for it', async () => {
      const entry = newc('./l', '', { mode: 0o120777, filesize: 0xffffffff })
      expect(await refused({ files: [link('/l', 'x')], ...archiveOf(entry) })).toBe('malformed-cpio')
    })
    it('refuses an archive that points elsewhere', async () => {
      expect(await refused({ files: [link('/l', 'abc')], ...archiveOf(newc('./l', 'xyz', { mode: 0o120777 })) })).toBe(
        'link-mismatch',
      )
      expect(await refused({ format: 6, files: [link('/l', 'abc')], ...archiveOf(stripped(0, 'xyz')) })).toBe(
        'link-mismatch',
      )
    })
    it('takes the target from the header where the archive has none, or the size tag is 0', async () => {
      expect(await refused({ files: [link('/l', 'abc')], ...archiveOf(newc('./l', '', { mode: 0o120777 })) })).toBe(
        'accepted',
      )
      expect(await refused({ files: [{ ...link('/l', 'abc'), size: 0 }] })).toBe('accepted')
    })
  })

  it('T19 a good header with another payload', async () => {
    const other = gzipSync(Buffer.concat([newc('./x', 'y'), trailer()]))
    const bytes = buildRpm({ files: [file('/x')] })
    const { payload } = await readPackage(bytes)
    const swapped = Buffer.concat([bytes.subarray(0, payload.offset), other])
    expect(await refusal(swapped)).toBe('payload-digest-mismatch')
  })

  describe('T20 input that ends early or goes on', () => {
    it('refuses a package cut at any byte', { timeout: 60_000 }, async () => {
      for (const format of [3, 4, 6] as const) {
        const bytes = buildRpm({ format, files: [file('/x', 'some content'), link('/l', 'x')] })
        const { payload } = await readPackage(bytes)
        for (let length = 0; length < bytes.length; length++) {
          const code = await refusal(bytes.subarray(0, length))
          const expected = length < payload.offset ? 'truncated-header' : 'truncated-payload'
          if (code !== expected) throw new Error(`format ${format} cut at ${length}: ${code}`)
        }
      }
    })
    it('refuses bytes behind the payload', async () => {
      const bytes = buildRpm({ files: [file('/x')] })
      expect(await refusal(Buffer.concat([bytes, Buffer.from('more')]))).toBe('payload-digest-mismatch')
      expect(
        await refused({ files: [file('/x')], payload: honest => Buffer.concat([honest, Buffer.from('more')]) }),
      ).toBe('trailing-data')
    })
    it('refuses a compressed stream that ends behind the trailer but has no end', async () => {
      expect(await refused({ files: [file('/x')], payload: honest => honest.subarray(0, -4) })).toBe(
        'truncated-payload',
      )
    })
  })

  it('T21 size tags that lie are warned of, and refused in v6', async () => {
    const lying = buildRpm({ signature: withTag(int32(SignatureTag.PAYLOADSIZE, 11), int32(SignatureTag.SIZE, 1)) })
    const { outcome } = await readAll(lying)
    expect(outcome.warnings.map(({ code }) => code)).toEqual(['size-tag-differs', 'size-tag-differs'])
    expect(await refused({ format: 6, header: withTag(int64(Tag.PAYLOADSIZEALT, 11)) })).toBe('size-mismatch')
  })

  it('T22 names with escapes are quoted in messages', async () => {
    const evil = '/a\x1b[2J\n\u0090'
    const error = await readAll(buildRpm({ files: [file(evil)], ...archiveOf() })).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'missing-file' })
    expect((error as Error).message).not.toMatch(/\p{Cc}/u)
  })

  describe('T23 padding that carries data', () => {
    it('refuses it behind the signature header', async () => {
      const bytes = buildRpm({ signature: tags => [...tags, text(1010, 'oddly')].toSorted((a, b) => a.tag - b.tag) })
      const { header } = await readPackage(bytes)
      expect(bytes[header.offset - 1]).toBe(0)
      bytes[header.offset - 1] = 1
      expect(await refusal(bytes)).toBe('malformed-header')
    })
    it('refuses it in the archive', async () => {
      const afterName = newc('./xy', 'x')
      expect(afterName.length % 4).toBe(0)
      afterName[110 + 5] = 1
      const afterContent = newc('./x', 'x')
      afterContent[afterContent.length - 1] = 1
      const afterIndex = stripped(0, 'x')
      afterIndex[14] = 1
      expect(await refused({ files: [file('/xy')], ...archiveOf(afterName) })).toBe('malformed-cpio')
      expect(await refused({ files: [file('/x')], ...archiveOf(afterContent) })).toBe('malformed-cpio')
      expect(await refused({ format: 6, files: [file('/x')], ...archiveOf(afterIndex) })).toBe('malformed-cpio')
    })
    it('reads exactly two headers', async () => {
      const bytes = buildRpm({})
      const { header } = await readPackage(bytes)
      const third = Buffer.concat([bytes.subarray(0, header.offset), header.bytes, bytes.subarray(header.offset)])
      expect(await refusal(third)).toBe('payload-digest-mismatch')
    })
  })

  it('T24 chunks of any size give the same result', async () => {
    for (const format of [3, 4, 6] as const) {
      const bytes = buildRpm({ format, files: [dir('/d'), file('/d/x', 'content'.repeat(50)), link('/d/l', 'x')] })
      const whole = await readAll(bytes)
      for (const size of [1, 2, 3, 7, 110, 1000]) {
        const pieces = await readAll(chunked(bytes, size))
        expect(pieces.files).toEqual(whole.files)
        expect(pieces.outcome).toEqual(whole.outcome)
      }
    }
  })

  it('T25 names that differ in case only are two files', async () => {
    const { files } = await readAll(buildRpm({ files: [file('/README'), file('/readme')] }))
    expect(files.map(({ path }) => path)).toEqual(['/README', '/readme'])
  })
})

describe('an entry', () => {
  it('left unread is checked all the same', async () => {
    const wrong = buildRpm({
      files: [{ ...file('/x', 'real'), digest: createHash('sha256').update('other').digest('hex') }, file('/y')],
    })
    await expect(
      (async () => {
        for await (const _ of entries(wrong));
      })(),
    ).rejects.toMatchObject({ code: 'file-digest-mismatch' })
  })

  it('cannot be read after the next one was asked for', async () => {
    const opened = await openPackage(buildRpm({ files: [file('/x'), file('/y')] }))
    const walk = opened.entries()
    const first = (await walk.next()).value!
    await walk.next()
    expect(() => first.content.pull()).toThrow('is gone')
    await walk.return()
  })
})

describe('a header', () => {
  it('without NAME, VERSION or RELEASE is refused', async () => {
    for (const tag of [Tag.NAME, Tag.VERSION, Tag.RELEASE])
      expect(await refused({ header: withoutTag(tag) })).toBe('missing-tag')
  })
  it('that stores a known tag as another type is refused', async () => {
    expect(await refused({ header: withTag(int32(Tag.NAME, 1)) })).toBe('wrong-tag-type')
    expect(await refused({ header: withTag(text(Tag.EPOCH, '1')) })).toBe('wrong-tag-type')
  })
})
