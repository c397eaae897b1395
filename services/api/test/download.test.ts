import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from './support/memory-conversions.ts'
import { TestService } from './support/test-service.ts'

const RPM = 'clusterware-node-1.0-1.x86_64.rpm'
const CONTENT = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 251))
const ETAG = `"${sha256(CONTENT)}"`

let service: TestService

beforeAll(async () => {
  service = await TestService.start()
  await service.catalog.add('rpm', `el9/${RPM}`, CONTENT)
  await service.catalog.add('rpm', 'clusterware-node-1.0-1.aarch64.rpm', 'for arm')
  await service.catalog.add('deb', 'tool_1%3a2.0-1_amd64.deb', 'a deb', { name: 'tool', arch: 'amd64' })
  await service.catalog.add('rpm', 'empty-1-1.noarch.rpm', '')
})
afterAll(() => service.stop())

describe('GET of a package', () => {
  it('sends the file with everything that is known of it', async () => {
    const response = await service.get('rpm/clusterware-node')
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/x-rpm',
      'content-length': '100000',
      'content-disposition': `attachment; filename="${RPM}"`,
      etag: ETAG,
      'accept-ranges': 'bytes',
      'cache-control': 'no-cache',
      'repr-digest': `sha-256=:${Buffer.from(sha256(CONTENT), 'hex').toString('base64')}:`,
    })
    expect(Date.parse(response.headers.get('last-modified') ?? '')).toBeLessThanOrEqual(Date.now())
    expect(Buffer.from(await response.arrayBuffer()).equals(CONTENT)).toBe(true)
  })

  it.each([RPM, 'clusterware-node-1.0-1.x86_64', 'clusterware-node'])('finds it as %s', async name => {
    const response = await service.get(`rpm/${encodeURIComponent(name)}`)
    expect(response.headers.get('etag')).toBe(ETAG)
    await response.body?.cancel()
  })

  it('takes ?arch= and its aliases', async () => {
    expect(await (await service.get('rpm/clusterware-node?arch=arm64')).text()).toBe('for arm')
    expect((await service.get('rpm/clusterware-node?arch=amd64', {}, { method: 'HEAD' })).headers.get('etag')).toBe(
      ETAG,
    )
  })

  it("finds a DEB whose file name has apt's form of an epoch, asked for in either way", async () => {
    for (const name of ['tool_1%3a2.0-1_amd64.deb', 'tool_1%253a2.0-1_amd64.deb', 'tool']) {
      const response = await service.get(`deb/${name}`)
      expect(await response.text()).toBe('a deb')
      expect(response.headers.get('content-type')).toBe('application/vnd.debian.binary-package')
    }
  })

  it('sends an empty file', async () => {
    const response = await service.get('rpm/empty')
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '0', ''])
    expect((await service.get('rpm/empty', { range: 'bytes=0-' })).status).toBe(416)
  })
})

describe('HEAD', () => {
  it('says what GET would, without a body, and keeps the connection', async () => {
    const path = `/api/v1/install/client/download/rpm/clusterware-node`
    const head = `HEAD ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
    const answer = await service.raw(`${head}${head}GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
    expect(answer.match(/content-length: 100000/gi)).toHaveLength(2)
    expect(answer.endsWith('\r\n\r\nok\n')).toBe(true)
    expect(answer.length).toBeLessThan(2500)
  })

  it('ignores a Range: only GET has them (RFC 9110, 14.2)', async () => {
    const response = await service.get('rpm/clusterware-node', { range: 'bytes=0-9' }, { method: 'HEAD' })
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '100000'])
  })
})

describe('ranges', () => {
  it.each([
    ['bytes=0-9', 0, 9],
    ['bytes=99990-', 99_990, 99_999],
    ['bytes=-10', 99_990, 99_999],
    ['bytes=65530-65550', 65_530, 65_550],
    ['bytes=0-', 0, 99_999],
  ])('%s', async (range, start, end) => {
    const response = await service.get('rpm/clusterware-node', { range })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/100000`)
    expect(response.headers.get('content-length')).toBe(String(end - start + 1))
    expect(Buffer.from(await response.arrayBuffer()).equals(CONTENT.subarray(start, end + 1))).toBe(true)
  })

  it('beyond the end: 416 with the length', async () => {
    const response = await service.get('rpm/clusterware-node', { range: 'bytes=100000-' })
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */100000'])
    expect(await response.json()).toMatchObject({ code: 'range-not-satisfiable' })
  })

  it.each(['bytes=0-1,5-6', 'lines=0-1', 'bytes=9-1', 'nonsense'])('%s: the whole', async range => {
    const response = await service.get('rpm/clusterware-node', { range })
    expect(response.status).toBe(200)
    expect((await response.arrayBuffer()).byteLength).toBe(100_000)
  })
})

describe('conditions', () => {
  const range = 'bytes=0-9'
  const old = 'Thu, 01 Jan 1970 00:00:01 GMT'
  it.each<[string, Record<string, string>, number]>([
    ['the same tag', { 'if-none-match': ETAG }, 304],
    ['another tag', { 'if-none-match': '"x"' }, 200],
    ['a tag to match', { 'if-match': ETAG }, 200],
    ['another tag to match', { 'if-match': '"x"' }, 412],
    ['not modified since 1970', { 'if-unmodified-since': old }, 412],
    ['modified since 1970', { 'if-modified-since': old }, 200],
    ['not modified since the future', { 'if-modified-since': 'Fri, 31 Dec 2100 00:00:00 GMT' }, 304],
    ['a range of this file', { range, 'if-range': ETAG }, 206],
    ['a range of another file', { range, 'if-range': '"x"' }, 200],
    ['a range of this file, weakly', { range, 'if-range': `W/${ETAG}` }, 200],
    ['a range of an old date', { range, 'if-range': old }, 200],
    ['304 before ranges', { range, 'if-none-match': ETAG }, 304],
    ['an unsatisfiable range of another file', { range: 'bytes=900000-', 'if-range': '"x"' }, 200],
  ])('%s', async (_, headers, status) => {
    for (const method of ['GET', 'HEAD'] as const) {
      const response = await service.get('rpm/clusterware-node', headers, { method })
      const expected = method === 'HEAD' && status === 206 ? 200 : status
      expect([method, response.status]).toEqual([method, expected])
      const bytes = (await response.arrayBuffer()).byteLength
      if (status === 304) expect([response.headers.get('etag'), bytes]).toEqual([ETAG, 0])
    }
  })

  it('a range with the date that was sent', async () => {
    const date = (await service.get('rpm/clusterware-node', {}, { method: 'HEAD' })).headers.get('last-modified') ?? ''
    const response = await service.get('rpm/clusterware-node', { range, 'if-range': date })
    expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([206, 10])
  })
})

describe('.sha256', () => {
  it.each(['clusterware-node.sha256', `${RPM}.sha256`])('%s is the line that sha256sum -c reads', async name => {
    const response = await service.get(`rpm/${name}`)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await response.text()).toBe(`${sha256(CONTENT)}  ${RPM}\n`)
  })

  it('takes ?arch=', async () => {
    const text = await (await service.get('rpm/clusterware-node.sha256?arch=aarch64')).text()
    expect(text).toBe(`${sha256('for arm')}  clusterware-node-1.0-1.aarch64.rpm\n`)
  })

  it('answers HEAD', async () => {
    const response = await service.get('rpm/clusterware-node.sha256', {}, { method: 'HEAD' })
    expect(response.headers.get('content-length')).toBe(String(64 + 2 + RPM.length + 1))
  })
})

describe('what is not there', () => {
  it('404 with names that come near', async () => {
    const response = await service.get('rpm/clusterware-nod')
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({
      status: 404,
      code: 'no-such-package',
      type: 'urn:diskful:no-such-package:rpm',
      packageType: 'rpm',
      name: 'clusterware-nod',
      near: ['clusterware-node'],
      detail: expect.stringContaining('Near names: clusterware-node.'),
    })
  })

  it('404 says for which architecture it is here', async () => {
    const problem = await (await service.get('deb/tool?arch=aarch64')).json()
    expect(problem).toMatchObject({
      code: 'no-such-package',
      arch: 'aarch64',
      detail: expect.stringContaining('It is here for amd64'),
    })
  })

  it('422 for a file that the catalog could not read', async () => {
    service.catalog.errors = [{ file: 'rpm/broken-1-1.noarch.rpm', code: 'truncated-header', message: 'ends early' }]
    for (const name of ['broken', 'broken-1-1.noarch', 'broken-1-1.noarch.rpm']) {
      const response = await service.get(`rpm/${name}`)
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([422, 'truncated-header'])
    }
    expect((await service.get('rpm/other')).status).toBe(404)
    service.catalog.errors = []
  })
})

describe('what is no name', () => {
  it.each([
    '..%2F..%2Fetc',
    '%2e%2e%2fx',
    'a%00b',
    'a/b',
    'a%2Fb',
    '%zz',
    '%',
    'a%',
    '%ff',
    'a'.repeat(256),
    '.hidden',
    '-rf',
    '',
  ])('%j: 400', async name => {
    for (const type of ['rpm', 'deb', 'tar']) {
      const answer = await service.raw(
        `GET /api/v1/install/client/download/${type}/${name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      )
      expect(answer).toMatch(/^HTTP\/1\.1 400 /)
      expect(answer).toContain('"code":"bad-package-name"')
    }
  })

  it.each(['/../../../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%5c..%5cetc'])(
    '%s: nothing of the disk',
    async path => {
      const answer = await service.raw(
        `GET /api/v1/install/client/download/rpm${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      )
      expect(answer).toMatch(/^HTTP\/1\.1 40[04] /)
    },
  )

  it.each(['rpm/x?arch=../..', 'tar/x?format=zip', 'tar/x?arch='])('%s: 400', async path => {
    const response = await service.get(path)
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, 'bad-request'])
  })
})

describe('packages that change', () => {
  it('a file that was replaced after it was listed is looked up again', async () => {
    await service.catalog.add('rpm', 'moving-1-1.noarch.rpm', 'one')
    const refreshes = service.catalog.refreshes
    const { writeFile } = await import('node:fs/promises')
    await writeFile(service.catalog.path('rpm', 'moving-1-1.noarch.rpm'), 'another')
    const response = await service.get('rpm/moving')
    expect(await response.text()).toBe('another')
    expect(response.headers.get('etag')).toBe(`"${sha256('another')}"`)
    expect(service.catalog.refreshes).toBe(refreshes + 1)
  })

  it('a file that went away is 503 for once, and unknown from then on', async () => {
    await service.catalog.add('rpm', 'leaving-1-1.noarch.rpm', 'one')
    await service.catalog.remove('rpm', 'leaving-1-1.noarch.rpm')
    const response = await service.get('rpm/leaving')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
    expect(await response.json()).toMatchObject({ code: 'package-changing' })
    expect((await service.get('rpm/leaving')).status).toBe(404)
  })
})

describe('before the folders were read', () => {
  it('an unknown name waits for it', async () => {
    let scanned: () => void = () => {}
    service.catalog.ready = new Promise(resolve => (scanned = resolve))
    const early = service.get('rpm/early')
    const known = await service.get('rpm/empty')
    await service.catalog.add('rpm', 'early-1-1.noarch.rpm', 'just in time')
    scanned()
    expect([known.status, await (await early).text()]).toEqual([200, 'just in time'])
  })
})
