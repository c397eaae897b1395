import { copyFile, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { RpmError, readPackage } from 'rpm-format'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TarFormat } from '../src/job.ts'
import { conversionKey } from '../src/key.ts'

const EXAMPLE = resolve(import.meta.dirname, '../../../examples/clientpkgs/rpm/clusterware-tools-1.0.0-1.noarch.rpm')

describe('conversionKey', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'diskful-key-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('is the same for the same content, wherever it lies', async () => {
    const copy = join(folder, 'copy.rpm')
    await copyFile(EXAMPLE, copy)
    const [one, other] = [await keyOf(EXAMPLE), await keyOf(copy)]
    expect(one.key).toMatch(/^[0-9a-f]{64}$/)
    expect(other.key).toBe(one.key)
    expect(other.identity).not.toEqual(one.identity)
    expect(one.nevra).toBe('clusterware-tools-1.0.0-1.noarch')
  })

  it('differs by format and by level', async () => {
    const settings: [TarFormat, number][] = [
      ['tar.gz', 5],
      ['tar.gz', 6],
      ['tar.zst', 5],
      ['tar', 0],
    ]
    const keys = await Promise.all(settings.map(async ([format, level]) => (await keyOf(EXAMPLE, format, level)).key))
    expect(new Set(keys).size).toBe(settings.length)
  })

  it('does not read the payload where headers have its digest: a damaged one has the same key', async () => {
    const bytes = await readFile(EXAMPLE)
    expect((await readPackage(bytes)).payload.coverage).toBe('strong')
    bytes[bytes.length - 1]! ^= 1
    const damaged = join(folder, 'damaged.rpm')
    await writeFile(damaged, bytes)
    expect((await keyOf(damaged)).key).toBe((await keyOf(EXAMPLE)).key)
  })

  it('differs by length and by any byte of the headers', async () => {
    const bytes = await readFile(EXAMPLE)
    const longer = join(folder, 'longer.rpm')
    await writeFile(longer, Buffer.concat([bytes, Buffer.from('x')]))
    expect((await keyOf(longer)).key).not.toBe((await keyOf(EXAMPLE)).key)
    const renamed = Buffer.from(bytes)
    // The name in the lead, which is no part of any digest.
    renamed[10]! ^= 1
    const other = join(folder, 'lead.rpm')
    await writeFile(other, renamed)
    expect((await keyOf(other)).key).not.toBe((await keyOf(EXAMPLE)).key)
  })

  it('rejects what is no RPM with RpmError', async () => {
    const path = join(folder, 'text.rpm')
    await writeFile(path, 'not an RPM at all')
    await expect(keyOf(path)).rejects.toBeInstanceOf(RpmError)
  })
})

async function keyOf(path: string, format: TarFormat = 'tar.gz', level = 5) {
  const handle = await open(path)
  try {
    return await conversionKey(handle, { format, level })
  } finally {
    await handle.close()
  }
}
