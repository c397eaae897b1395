import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RpmError, rpmToTar } from '../src/index.ts'
import { binary, texts } from './support/header-writer.ts'
import { chunked } from './support/reading.ts'
import { buildRpm, type TestFile, withTag } from './support/rpm-writer.ts'
import { unpack } from './support/unpacked.ts'

const root = { layout: 'root' } as const
const files: TestFile[] = [
  { path: '/etc', mode: 0o040755 },
  { path: '/etc/shadow', mode: 0o100000, content: 'secret' },
  { path: '/usr/bin/ping', mode: 0o104755, content: 'x'.repeat(100_000), capabilities: 'cap_net_raw=ep' },
  { path: '/usr/lib/l', mode: 0o120777, linkTarget: '../\xe9' },
  { path: '/dev/tty9', mode: 0o020620, rdev: (4 << 8) | 9, group: 'tty' },
  { path: '/run/fifo', mode: 0o010600 },
  { path: '/run/socket', mode: 0o140600 },
  { path: '/var/log/x', flags: 64 },
]

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<{ sizes: number[]; error: unknown }> {
  const sizes: number[] = []
  try {
    for await (const chunk of chunks) sizes.push(chunk.length)
    return { sizes, error: undefined }
  } catch (error) {
    return { sizes, error }
  }
}

describe('rpmToTar in the layout root', () => {
  it('lays down everything that rpm would', async () => {
    const { members, report } = await unpack(buildRpm({ files }), root)
    expect(members.map(({ name, type, mode, group, link }) => [name, type, mode.toString(8), group, link])).toEqual([
      ['./etc/', 'directory', '755', 'root', ''],
      ['./etc/shadow', 'file', '0', 'root', ''],
      ['./usr/bin/ping', 'file', '4755', 'root', ''],
      ['./usr/lib/l', 'symlink', '777', 'root', '../\xe9'],
      ['./dev/tty9', 'character-device', '620', 'tty', ''],
      ['./run/fifo', 'fifo', '600', 'root', ''],
    ])
    expect(members[2]!.content).toBe('x'.repeat(100_000))
    expect(report.warnings.map(({ code, path }) => [code, path])).toEqual([['socket-left-out', '/run/socket']])
    expect(report).toMatchObject({ entries: 6, checked: 'strong', signed: 'none', nevra: { name: 'test' } })
  })

  it('writes capabilities and IMA signatures as raw attributes', async () => {
    const rpm = buildRpm({
      files: [{ path: '/a', content: 'a', capabilities: 'cap_net_raw=ep' }],
      header: withTag(texts(5090, '03ff000a3d')),
    })
    const { bytes } = await unpack(rpm, root)
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
    expect(bytes.includes(Buffer.concat([Buffer.from('57 SCHILY.xattr.security.capability='), capability]))).toBe(true)
    expect(
      bytes.includes(Buffer.concat([Buffer.from('SCHILY.xattr.security.ima='), Buffer.from('03ff000a3d0a', 'hex')])),
    ).toBe(true)
  })

  it('says so where capabilities make no sense, and leaves them out', async () => {
    const { bytes, report } = await unpack(buildRpm({ files: [{ path: '/a', capabilities: 'cap_x=ep' }] }), root)
    expect(bytes.includes('SCHILY')).toBe(false)
    expect(report.warnings.map(({ code }) => code)).toEqual(['unknown-capabilities'])
  })

  it('puts the first name of a hardlink set first, with the metadata of the last', async () => {
    const content = 'shared'
    const set: TestFile[] = [
      { path: '/a', inode: 7, content, mode: 0o100600, owner: 'first' },
      { path: '/b', inode: 7, content, mode: 0o104755, owner: 'last', capabilities: 'cap_kill=ep' },
    ]
    const { members, bytes } = await unpack(buildRpm({ files: set }), root)
    expect(
      members.map(({ name, type, mode, owner, link, content }) => [name, type, mode, owner, link, content]),
    ).toEqual([
      ['./a', 'file', 0o4755, 'last', '', 'shared'],
      ['./b', 'link', 0o4755, 'last', './a', ''],
    ])
    expect(bytes.toString('latin1').split('SCHILY')).toHaveLength(2)
  })
})

describe('rpmToTar', () => {
  it('gives the same bytes for any chunking, down to one byte', async () => {
    const rpm = buildRpm({ files })
    for (const layout of ['root', 'scyld'] as const) {
      const { bytes } = await unpack(rpm, { layout })
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: rpm.length }), async size => {
          expect((await unpack(chunked(rpm, size), { layout })).bytes.equals(bytes)).toBe(true)
        }),
        { numRuns: 20, examples: [[1]] },
      )
    }
  })

  it('ends in two zero blocks, only if every digest held', async () => {
    const good = await unpack(buildRpm({ files }), root)
    expect(good.bytes.subarray(-1024).equals(Buffer.alloc(1024))).toBe(true)
    expect(good.bytes.length % 512).toBe(0)
    expect(good.report.bytes).toBe(good.bytes.length)

    const large = [
      { path: '/a', content: 'y'.repeat(1_000_000) },
      { path: '/b', content: 'b', digest: '0'.repeat(64) },
    ]
    const tar = rpmToTar(buildRpm({ files: large }), root)
    const { sizes, error } = await collect(tar)
    expect(error).toMatchObject({ code: 'file-digest-mismatch' })
    await expect(tar.report).rejects.toBe(error)
    // No member after the bad one, and no marker.
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(1_000_000 + 5 * 512)
  })

  it('throws before the first byte where the header is bad', async () => {
    const rpm = buildRpm({ files })
    rpm.fill(0, 300, 310)
    const { sizes, error } = await collect(rpmToTar(rpm, root))
    expect(sizes).toEqual([])
    expect(error).toBeInstanceOf(RpmError)
  })

  it('gathers small files into chunks worth passing on, and copies no large ones', async () => {
    const small = Array.from({ length: 2000 }, (_, k) => ({ path: `/f${String(k).padStart(4, '0')}`, content: `${k}` }))
    const { sizes } = await collect(rpmToTar(buildRpm({ files: small }), root))
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(64 * 1024)
    expect(sizes.length).toBeLessThan(20)
  })

  it('closes the source when it is left early, and says that nothing is known', async () => {
    let closed = false
    const rpm = buildRpm({
      files: [{ path: '/a', content: Buffer.alloc(4_000_000, 1).toString('latin1') }],
      compress: x => x,
      compressor: null,
    })
    async function* source() {
      try {
        yield* chunked(rpm, 10_000)
      } finally {
        closed = true
      }
    }
    const tar = rpmToTar(source(), root)
    for await (const _ of tar) break
    expect(closed).toBe(true)
    await expect(tar.report).rejects.toThrow('not read to its end')
  })

  it('tells what the signatures cover', async () => {
    const signature = (tag: number) => ({ signature: withTag(binary(tag, Buffer.alloc(20, 1))) })
    const signed = async (spec: object) => (await unpack(buildRpm({ files, ...spec }), root)).report.signed
    expect(await signed({})).toBe('none')
    expect(await signed(signature(268))).toBe('header+payload')
    expect(
      await signed({
        ...signature(268),
        header: (tags: { tag: number }[]) => tags.filter(({ tag }) => tag !== 5092 && tag !== 5097),
      }),
    ).toBe('header')
    expect(await signed(signature(1005))).toBe('header+payload')
  })
})
