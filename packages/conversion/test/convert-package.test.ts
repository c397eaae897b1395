import { createHash } from 'node:crypto'
import {
  appendFile,
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ConvertPackageOptions, convertPackage, convertRpm } from '../src/convert-package.ts'
import type { ConversionJob } from '../src/job.ts'
import { conversionKey } from '../src/key.ts'
import { TooBigForCache } from '../src/store/space.ts'
import { TestCache } from './support/stores.ts'

const EXAMPLE = resolve(import.meta.dirname, '../../../examples/clientpkgs/rpm/clusterware-tools-1.0.0-1.noarch.rpm')

describe('convertPackage', () => {
  it('publishes the TAR of an RPM, with what is known about it', async () => {
    await using packages = await Packages.make()
    const job = await packages.job()
    const outcome = await packages.convert(job)
    const tar = await packages.store.get(job.key)
    const bytes = await tar!.handle.readFile()
    await tar!.close()
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(outcome).toEqual({ status: 'published', key: job.key, sha256, size: bytes.length })
    expect(tar!.meta).toMatchObject({
      name: 'clusterware-tools',
      version: '1.0.0',
      release: '1',
      arch: 'noarch',
      nevra: 'clusterware-tools-1.0.0-1.noarch',
      file: 'package.tar.gz',
      checked: 'strong',
      source: { file: 'test.rpm', size: job.identity.size },
    })
  })

  it('gives the same bytes every time', async () => {
    await using packages = await Packages.make()
    const job = await packages.job()
    const first = await packages.convert(job)
    await packages.store.drop(job.key)
    expect(await packages.convert(job)).toEqual(first)
  })

  const changes: [string, (path: string) => Promise<void>][] = [
    ['is written to', path => appendFile(path, 'x')],
    ['is touched', path => utimes(path, 1_000_000, 1_000_000)],
    ['is deleted', path => rm(path)],
    ['is replaced', path => copyFile(EXAMPLE, `${path}.new`).then(() => rename(`${path}.new`, path))],
  ]

  it.each(changes)('publishes nothing when the RPM %s before', async (_how, change) => {
    await using packages = await Packages.make()
    const job = await packages.job()
    await change(packages.path)
    expect(await packages.convert(job)).toMatchObject({ status: 'source-changed' })
    await packages.expectNothing()
  })

  it.each(changes)('publishes nothing when the RPM %s meanwhile', async (_how, change) => {
    await using packages = await Packages.make()
    const convert: ConvertPackageOptions['convert'] = (source, settings) => {
      const run = convertRpm(source, settings)
      const bytes = async function* () {
        yield* run
        await change(packages.path)
      }
      return { report: run.report, [Symbol.asyncIterator]: bytes }
    }
    expect(await packages.convert(await packages.job(), { convert })).toMatchObject({ status: 'source-changed' })
    await packages.expectNothing()
  })

  it('calls a failure a change when the RPM changed as well', async () => {
    await using packages = await Packages.make()
    const convert = failing(async () => {
      await appendFile(packages.path, 'x')
      throw new Error('the payload makes no sense')
    })
    expect(await packages.convert(await packages.job(), { convert })).toMatchObject({ status: 'source-changed' })
  })

  it('rejects a damaged payload and leaves nothing', async () => {
    await using packages = await Packages.make()
    const bytes = await readFile(EXAMPLE)
    bytes[bytes.length - 20]! ^= 0xff
    await writeFile(packages.path, bytes)
    const outcome = await packages.convert(await packages.job())
    expect(outcome).toMatchObject({ status: 'rejected', code: expect.stringMatching(/mismatch|corrupt|truncated/) })
    await packages.expectNothing()
  })

  it('rejects what leads out of the folder', async () => {
    await using packages = await Packages.make()
    const job = await packages.job()
    await symlink(EXAMPLE, join(packages.folder, 'rpm', 'link.rpm'))
    for (const file of ['link.rpm', '../../../etc/passwd', '/etc/passwd']) {
      expect(await packages.convert({ ...job, file })).toMatchObject({ status: 'rejected', code: 'outside-folder' })
    }
  })

  it('rejects what is too big for the cache, and throws what is the machine’s fault', async () => {
    await using packages = await Packages.make()
    const job = await packages.job()
    const tooBig = failing(() => Promise.reject(new TooBigForCache('too big')))
    expect(await packages.convert(job, { convert: tooBig })).toMatchObject({ code: 'too-big-for-cache' })
    const broken = failing(() => Promise.reject(new Error('EIO')))
    await expect(packages.convert(job, { convert: broken })).rejects.toThrow('EIO')
    await expect(packages.convert(job, { signal: AbortSignal.abort() })).rejects.toThrow('aborted')
    await packages.expectNothing()
  })
})

function failing(fail: () => Promise<never>): NonNullable<ConvertPackageOptions['convert']> {
  return (source, settings) => {
    const { report } = convertRpm(source, settings)
    const bytes = async function* () {
      yield Buffer.from('some bytes')
      await fail()
    }
    return { report, [Symbol.asyncIterator]: bytes }
  }
}

/** A package folder with one RPM, and a cache. */
class Packages implements AsyncDisposable {
  readonly folder: string
  readonly path: string
  readonly #cache: TestCache
  readonly store: Awaited<ReturnType<TestCache['store']>>

  private constructor(cache: TestCache, store: Packages['store']) {
    this.#cache = cache
    this.store = store
    this.folder = join(cache.folder, 'packages')
    this.path = join(this.folder, 'rpm', 'test.rpm')
  }

  static async make(): Promise<Packages> {
    const cache = await TestCache.make()
    const packages = new Packages(cache, await cache.store())
    await mkdir(join(packages.folder, 'rpm'), { recursive: true })
    await copyFile(EXAMPLE, packages.path)
    return packages
  }

  async job(): Promise<ConversionJob> {
    const handle = await open(this.path)
    const { key, nevra, identity } = await conversionKey(handle, { format: 'tar.gz', level: 5 })
    await handle.close()
    return { key, file: 'test.rpm', identity, nevra, format: 'tar.gz', level: 5, requestId: 'test', priority: 'node' }
  }

  convert(job: ConversionJob, options: Partial<ConvertPackageOptions> = {}) {
    return convertPackage({ job, store: this.store, folder: this.folder, ...options })
  }

  async expectNothing(): Promise<void> {
    expect(await this.store.keys()).toEqual([])
    expect(await readdir(this.#cache.layout.staging)).toEqual([])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cache[Symbol.asyncDispose]()
  }
}
