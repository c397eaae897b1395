import fc from 'fast-check'
import { extract, type Header } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { encodePax } from '../src/pax.ts'
import { encodeTarHeader, endOfArchive, padding, type TarEntry } from '../src/tar.ts'

const file: TarEntry = { name: './a', type: 'file', mode: 0o644, mtime: 1, owner: 'root', group: 'root', size: 3 }

/** An independent reader's view of one header. */
async function read(entry: TarEntry, content = Buffer.alloc(0)): Promise<Header> {
  const reader = extract()
  const headers = new Promise<Header>((resolve, reject) => {
    reader.on('entry', (header, stream, next) => {
      resolve(header)
      stream.on('end', next)
      stream.resume()
    })
    reader.on('error', reject)
  })
  reader.end(Buffer.concat([encodeTarHeader(entry), content, padding(content.length), endOfArchive]))
  return headers
}

const paxOf = (header: Header) => (header.pax ?? {}) as Record<string, string>
const utf8 = (bytes: string) => Buffer.from(bytes, 'utf8').toString('latin1')
const field = (header: Buffer, offset: number, length: number) =>
  header.toString('latin1', offset, offset + length).replace(/\0.*$/s, '')

describe('a TAR header', () => {
  it('is one ustar block where everything fits', async () => {
    expect(encodeTarHeader(file)).toHaveLength(512)
    expect(await read({ ...file, size: 0 })).toMatchObject({ name: './a', type: 'file', mode: 0o644, uname: 'root' })
  })

  it('keeps mode 0', () => {
    expect(field(encodeTarHeader({ ...file, mode: 0 }), 100, 8)).toBe('0000000')
  })

  it.each([100, 101, 155, 200, 250])(
    'fits an ASCII path of %i bytes into one block if it has slashes',
    async length => {
      const path = `${`./${'directory/'.repeat(30)}`.slice(0, length - 1)}x`
      expect(path).toHaveLength(length)
      const header = encodeTarHeader({ ...file, name: path, size: 0 })
      expect(header).toHaveLength(512)
      expect((await read({ ...file, name: path, size: 0 })).name).toBe(path)
    },
  )

  it('needs pax for paths longer than that, and for those without a slash in the right place', async () => {
    for (const name of [`./${'directory/'.repeat(30)}x`, `./${'x'.repeat(150)}`, `./${'é'.repeat(80)}/x`]) {
      const header = await read({ ...file, name: utf8(name), size: 0 })
      expect(paxOf(header).path).toBe(name)
      expect(header.name).toBe(name)
    }
  })

  it('marks UTF-8 by pax, and leaves what is no UTF-8 in ustar as it is', () => {
    expect(encodeTarHeader({ ...file, name: utf8('./é') }).toString('latin1')).toContain(` path=${utf8('./é')}\n`)
    const latin1 = encodeTarHeader({ ...file, name: './\xe9' })
    expect(latin1).toHaveLength(512)
    expect(field(latin1, 0, 100)).toBe('./\xe9')
  })

  it('says so where a long pax value is no UTF-8', () => {
    const header = encodeTarHeader({ ...file, name: `./${'\xe9'.repeat(300)}` }).toString('latin1')
    expect(header).toMatch(/21 hdrcharset=BINARY\n\d+ path=\.\/\xe9{300}\n/)
  })

  it('does not cut owner names short', async () => {
    const owner = 'u'.repeat(40)
    const header = encodeTarHeader({ ...file, owner, size: 0 })
    expect(field(header.subarray(-512), 265, 32)).toBe('')
    expect(field(header.subarray(-512), 297, 32)).toBe('root')
    expect(paxOf(await read({ ...file, owner, size: 0 })).uname).toBe(owner)
  })

  it('writes sizes from 8 GiB in both ways that readers know', () => {
    const size = 5 * 2 ** 33 + 7
    const header = encodeTarHeader({ ...file, size })
    expect(header.toString('latin1')).toContain(` size=${size}\n`)
    const ustar = header.subarray(-512)
    expect(ustar[124]).toBe(0x80)
    expect(ustar.readBigUInt64BE(128)).toBe(BigInt(size))
    expect(encodeTarHeader({ ...file, size: 2 ** 33 - 1 })).toHaveLength(512)
    expect(encodeTarHeader({ ...file, mtime: 2 ** 33 }).toString('latin1')).toContain(` mtime=${2 ** 33}\n`)
  })

  it.each([
    ['an ordinary file', {}],
    ['a size beyond octal', { size: 5 * 2 ** 33 + 7 }],
    ['a time beyond octal', { mtime: 2 ** 33 + 1 }],
    ['a device beyond octal', { type: 'block-device', size: 0, device: { major: 2 ** 21 + 5, minor: 7 } }],
    ['a split name', { name: `./${'d'.repeat(90)}/${'f'.repeat(90)}\xe9` }],
  ] as const)('has the checksum of its bytes: %s', (_, fields) => {
    const block = encodeTarHeader({ ...file, ...fields }).subarray(-512)
    const stored = Number.parseInt(block.toString('latin1', 148, 154), 8)
    const sum = Buffer.from(block)
      .fill(' ', 148, 156)
      .reduce((total, byte) => total + byte)
    expect(stored).toBe(sum)
  })

  it('carries extended attributes as raw bytes', () => {
    const value = '\x01\x00\x00\x02\xff\n=\x00'
    const header = encodeTarHeader({ ...file, xattrs: { 'security.capability': value } })
    expect(header.toString('latin1')).toContain(`45 SCHILY.xattr.security.capability=${value}\n`)
  })

  it('is read back by an independent reader, whatever the names', async () => {
    const segment = fc.string({
      unit: fc.constantFrom('a', 'b', '/', ' ', 'é', '\n', '\\'),
      minLength: 1,
      maxLength: 300,
    })
    const entry = fc.record({
      name: segment.map(text => `./${utf8(text)}x`),
      link: segment.map(utf8),
      mode: fc.nat(0o7777),
      mtime: fc.nat(2 ** 32),
      owner: fc.string({ unit: fc.constantFrom('a', 'ü'), maxLength: 50 }).map(utf8),
    })
    await fc.assert(
      fc.asyncProperty(entry, async fields => {
        const got = await read({ ...file, ...fields, type: 'symlink', size: 0 })
        const text = (bytes: string) => Buffer.from(bytes, 'latin1').toString('utf8')
        expect(got).toMatchObject({ name: text(fields.name), linkname: text(fields.link), mode: fields.mode })
        expect(got.mtime?.getTime()).toBe(fields.mtime * 1000)
        expect(paxOf(got).uname ?? got.uname).toBe(text(fields.owner))
      }),
      { numRuns: 300 },
    )
  })
})

describe('pax records', () => {
  it('count their own length, also where that adds a digit', () => {
    for (let length = 0; length < 1100; length++) {
      const record = encodePax([['k', 'v'.repeat(length)]]).toString('latin1')
      expect(Number(record.split(' ')[0])).toBe(record.length)
    }
  })
})
