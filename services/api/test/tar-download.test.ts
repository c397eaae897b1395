import { QueueError, type QueueErrorCode } from '@diskful/conversion'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sha256 } from './support/memory-conversions.ts'
import { TestService } from './support/test-service.ts'

let service: TestService

beforeEach(async () => {
  service = await TestService.start()
  await service.catalog.add('rpm', 'mypkg-1.0-1.x86_64.rpm', 'an rpm')
})
afterEach(() => service.stop())

async function codeOf(response: Response): Promise<[number, unknown]> {
  return [response.status, ((await response.json()) as { code: unknown }).code]
}

async function eventually(check: () => boolean): Promise<void> {
  for (let tries = 0; !check() && tries < 200; tries++) await new Promise(resolve => setTimeout(resolve, 10))
}

describe('a TAR that is made from an RPM', () => {
  it('is made once, then comes from the store', async () => {
    for (const _ of ['miss', 'hit', 'hit']) {
      const response = await service.get('tar/mypkg')
      expect(response.headers.get('content-disposition')).toBe('attachment; filename="mypkg-1.0-1.x86_64.tar.gz"')
      expect(response.headers.get('content-type')).toBe('application/gzip')
      const text = await response.text()
      expect(text).toBe('TAR of mypkg-1.0-1.x86_64 as tar.gz')
      expect(response.headers.get('etag')).toBe(`"${sha256(text)}"`)
    }
    expect(service.queue.jobs).toHaveLength(1)
    await eventually(() => service.logs.filter(({ msg }) => msg === 'request').length === 3)
    expect(service.logs.filter(({ msg }) => msg === 'request').map(({ tar }) => tar)).toEqual(['miss', 'hit', 'hit'])
  })

  it("hands its job the file's state and the request's id", async () => {
    await service.get('tar/mypkg', { 'x-request-id': 'node-17' })
    expect(service.queue.jobs[0]).toMatchObject({
      file: 'mypkg-1.0-1.x86_64.rpm',
      identity: service.catalog.resolve('rpm', 'mypkg')?.identity,
      format: 'tar.gz',
      level: 3,
      requestId: 'node-17',
      priority: 'node',
      remake: false,
    })
  })

  it.each([
    ['tar/mypkg?format=tar.zst', 'tar.zst', 'application/zstd', 2],
    ['tar/mypkg.tar.zst', 'tar.zst', 'application/zstd', 2],
    ['tar/mypkg-1.0-1.x86_64.tar', 'tar', 'application/x-tar', 0],
    ['tar/mypkg.tgz', 'tar.gz', 'application/gzip', 3],
    ['tar/mypkg.tar.gz?format=tar.gz', 'tar.gz', 'application/gzip', 3],
    ['tar/mypkg-1.0-1.x86_64.rpm', 'tar.gz', 'application/gzip', 3],
  ])('%s is a %s', async (path, format, mediaType, level) => {
    const response = await service.get(path)
    expect(await response.text()).toBe(`TAR of mypkg-1.0-1.x86_64 as ${format}`)
    expect(response.headers.get('content-type')).toBe(mediaType)
    expect(service.queue.jobs[0]?.level).toBe(level)
  })

  it('two formats at once: 400', async () => {
    expect(await codeOf(await service.get('tar/mypkg.tar.zst?format=tar'))).toEqual([400, 'format-contradiction'])
  })

  it('.sha256 makes it, too, and names the file that is sent', async () => {
    const sum = sha256('TAR of mypkg-1.0-1.x86_64 as tar.zst')
    expect(await (await service.get('tar/mypkg.tar.zst.sha256')).text()).toBe(`${sum}  mypkg-1.0-1.x86_64.tar.zst\n`)
    expect(await (await service.get('tar/mypkg.sha256?format=tar.zst&arch=amd64')).text()).toContain(sum)
    expect(service.queue.jobs).toHaveLength(1)
  })

  it('ranges and HEAD work on it', async () => {
    expect((await service.get('tar/mypkg', {}, { method: 'HEAD' })).headers.get('content-length')).toBe('35')
    expect(await (await service.get('tar/mypkg', { range: 'bytes=7-11' })).text()).toBe('mypkg')
  })

  it('is made again when the stored one is damaged', async () => {
    await service.get('tar/mypkg')
    service.store.damaged.add(service.queue.jobs[0]?.key ?? '')
    expect((await service.get('tar/mypkg')).status).toBe(200)
    expect(service.queue.jobs[1]).toMatchObject({ remake: true })
  })
})

describe("an admin's own TAR", () => {
  beforeEach(async () => {
    await service.catalog.add('tar', 'mypkg.tar.xz', 'own xz', { name: 'mypkg', arch: 'noarch', tarFormat: 'tar.xz' })
    await service.catalog.add('tar', 'other-2.tar.gz', 'own gz', { name: 'other', arch: 'noarch', tarFormat: 'tar.gz' })
  })

  it.each([
    ['tar/mypkg', 'own xz'],
    ['tar/mypkg.tar.xz', 'own xz'],
    ['tar/mypkg.tar.gz', 'TAR of mypkg-1.0-1.x86_64 as tar.gz'],
    ['tar/mypkg?format=tar', 'TAR of mypkg-1.0-1.x86_64 as tar'],
    ['tar/other', 'own gz'],
    ['tar/other-2.tar.gz', 'own gz'],
    ['tar/other.tar.gz', 'own gz'],
    ['tar/other?format=tar.gz', 'own gz'],
  ])('%s is "%s"', async (path, content) => {
    expect(await (await service.get(path)).text()).toBe(content)
  })

  it('in another format than asked for, without an RPM: 404 that says so', async () => {
    const response = await service.get('tar/other?format=tar.zst')
    const problem = { code: 'no-such-format', detail: expect.stringContaining('other-2.tar.gz') }
    expect([response.status, await response.json()]).toEqual([404, expect.objectContaining(problem)])
  })
})

describe('a TAR that cannot be had', () => {
  it('409 for what is here only as a DEB', async () => {
    await service.catalog.add('deb', 'tool_1-1_amd64.deb', 'a deb', { name: 'tool', arch: 'amd64' })
    const response = await service.get('tar/tool')
    expect([response.status, await response.json()]).toEqual([
      409,
      expect.objectContaining({ code: 'deb-not-convertible', title: 'DEB packages cannot be converted' }),
    ])
    expect(await codeOf(await service.get('tar/tool.tar.zst'))).toEqual([409, 'deb-not-convertible'])
  })

  it('404 with near names of both kinds', async () => {
    await service.catalog.add('tar', 'myown.tar', 'x', { name: 'myown' })
    const problem = await (await service.get('tar/mypk')).json()
    expect(problem).toMatchObject({ code: 'no-such-package', packageType: 'tar', near: ['myown', 'mypkg'] })
  })

  it('422 with code and reason for an RPM that the converter rejects', async () => {
    service.queue.work = async () => ({ status: 'rejected', code: 'malformed-cpio', message: 'no magic at 4096' })
    const response = await service.get('tar/mypkg')
    expect([response.status, await response.json()]).toEqual([
      422,
      expect.objectContaining({ code: 'malformed-cpio', detail: 'mypkg-1.0-1.x86_64.rpm: no magic at 4096' }),
    ])
  })

  it('422 for an RPM whose headers cannot be read', async () => {
    const error = Object.assign(new Error('ends early'), { name: 'RpmError', code: 'truncated-header' })
    service.dependencies.conversionKey = () => Promise.reject(error)
    expect(await codeOf(await service.get('tar/mypkg'))).toEqual([422, 'truncated-header'])
  })

  it.each<[QueueErrorCode, number]>([
    ['queue-away', 5],
    ['no-converter', 5],
    ['wait-timeout', 7],
    ['too-many-waiters', 10],
    ['conversion-failed', 30],
    ['disk-full', 60],
    ['shutting-down', 2],
  ])('%s: 503 with Retry-After', async (code, retryAfterSeconds) => {
    service.queue.work = () => Promise.reject(new QueueError(code, 'in words', { retryAfterSeconds }))
    const response = await service.get('tar/mypkg')
    expect(response.headers.get('retry-after')).toBe(String(retryAfterSeconds))
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect([response.status, await response.json()]).toEqual([
      503,
      expect.objectContaining({ code, detail: 'in words' }),
    ])
  })

  it('503 when the store does not show what was published', async () => {
    service.queue.work = async ({ key }) => ({ status: 'published', key, sha256: '', size: 1 })
    expect(await codeOf(await service.get('tar/mypkg'))).toEqual([503, 'tar-not-visible'])
  })

  it('500 with the request id for what nobody thought of, the reason in the log only', async () => {
    service.queue.work = () => Promise.reject(new Error('secret detail'))
    const response = await service.get('tar/mypkg', { 'x-request-id': 'odd-1' })
    const text = await response.text()
    expect([response.status, text.includes('odd-1'), text.includes('secret')]).toEqual([500, true, false])
    expect(service.logs).toContainEqual(expect.objectContaining({ requestId: 'odd-1', msg: 'request failed' }))
  })
})

describe('an RPM that changes', () => {
  it('during the conversion: converted as it is now', async () => {
    const { work } = service.queue
    service.queue.work = async (job, options) => {
      if (service.queue.jobs.length > 1) return work(job, options)
      await service.catalog.add('rpm', 'mypkg-1.0-1.x86_64.rpm', 'another rpm', { nevra: 'mypkg-1.0-2.x86_64' })
      return { status: 'source-changed', message: 'changed' }
    }
    expect(await (await service.get('tar/mypkg')).text()).toBe('TAR of mypkg-1.0-2.x86_64 as tar.gz')
    expect(service.catalog.refreshes).toBe(1)
    const [first, second] = service.queue.jobs
    expect(first?.key).not.toBe(second?.key)
  })

  it('twice: 503', async () => {
    service.queue.work = async () => ({ status: 'source-changed', message: 'changed' })
    expect(await codeOf(await service.get('tar/mypkg'))).toEqual([503, 'package-changing'])
    expect(service.queue.jobs).toHaveLength(2)
  })

  it('does not make the request wait twice as long', async () => {
    const waits: number[] = []
    service.queue.work = async (_job, { waitMs }) => {
      waits.push(waitMs)
      await new Promise(resolve => setTimeout(resolve, 100))
      return { status: 'source-changed', message: 'changed' }
    }
    await service.get('tar/mypkg')
    expect(waits[1]).toBeLessThanOrEqual(waits[0]! - 99)
  })

  it('between two requests: the second gets the new one', async () => {
    await service.get('tar/mypkg')
    await service.catalog.add('rpm', 'mypkg-1.0-1.x86_64.rpm', 'newer', { nevra: 'mypkg-1.1-1.x86_64' })
    expect(await (await service.get('tar/mypkg')).text()).toContain('mypkg-1.1-1')
  })
})

describe('a client that leaves while it waits', () => {
  it('ends its wait, and the next one is served', async () => {
    const { work } = service.queue
    let left: unknown
    service.queue.work = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          left = signal.reason
          reject(signal.reason)
        })
      })
    const leaving = new AbortController()
    const request = service.get('tar/mypkg', {}, { signal: leaving.signal })
    await eventually(() => service.queue.jobs.length === 1)
    leaving.abort()
    await expect(request).rejects.toThrow()
    await eventually(() => left !== undefined)
    expect(left).toBeDefined()
    service.queue.work = work
    expect((await service.get('tar/mypkg')).status).toBe(200)
    expect(service.logs).toContainEqual(expect.objectContaining({ msg: 'request', aborted: true }))
    expect(service.logs.filter(({ level }) => Number(level) >= 50)).toEqual([])
  })
})

describe('the key of an RPM', () => {
  it('is read once for each state of the file and format, also by a crowd', async () => {
    let reads = 0
    const { conversionKey } = service.dependencies
    service.dependencies.conversionKey = (handle, settings) => {
      reads++
      return conversionKey(handle, settings)
    }
    await Promise.all(Array.from({ length: 20 }, () => service.get('tar/mypkg').then(response => response.text())))
    await service.get('tar/mypkg.tar')
    expect(reads).toBe(2)
  })
})
