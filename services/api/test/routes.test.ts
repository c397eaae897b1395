import { HTTPException } from 'hono/http-exception'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../src/app.ts'
import { TestService } from './support/test-service.ts'

let service: TestService

beforeAll(async () => {
  service = await TestService.start()
  await service.catalog.add('rpm', 'clusterware-node-1-1.x86_64.rpm', 'an rpm')
})
afterAll(() => service.stop())

const idle = { reachable: true, converters: 1, waiting: 2, active: 1, delayed: 0, oldestMs: 0, waiters: 3 }

describe('/healthz', () => {
  it('is ok', async () => {
    expect(await (await fetch(service.url('/healthz'))).text()).toBe('ok\n')
  })
})

describe('/readyz', () => {
  beforeEach(() => {
    service.queue.state = idle
    service.store.readable = true
    service.store.freeShare = 0.5
    service.catalog.readable = true
    service.stopping = false
  })

  /** Of a fresh app: answers are shared for a second. */
  async function readyz() {
    const app = createApp(service.dependencies)
    await new Promise(resolve => setImmediate(resolve))
    const response = await app.request('/readyz')
    const body = (await response.json()) as { status: string; reasons: { code: string; message: string }[] }
    return { http: response.status, status: body.status, codes: body.reasons.map(({ code }) => code), body }
  }

  it('ready, with what there is', async () => {
    const { http, body } = await readyz()
    expect([http, body]).toEqual([
      200,
      {
        status: 'ready',
        reasons: [],
        packages: { folder: service.catalog.folder, rpm: 1, deb: 0, tar: 0, unreadable: 0 },
        conversions: { converters: 1, waiting: 2, active: 1, waitingRequests: 3 },
      },
    ])
  })

  it.each<[string, () => void]>([
    ['queue-away', () => (service.queue.state = { ...idle, reachable: false, message: 'Redis refused' })],
    ['no-converter', () => (service.queue.state = { ...idle, converters: 0 })],
    ['eviction-policy', () => (service.queue.state = { ...idle, evictionPolicyOk: false })],
    ['cache-unreadable', () => (service.store.readable = false)],
    ['packages-unreadable', () => (service.catalog.readable = false)],
    ['disk-nearly-full', () => (service.store.freeShare = 0.01)],
  ])('degraded, and still 200: %s', async (code, break_) => {
    break_()
    expect(await readyz()).toMatchObject({ http: 200, status: 'degraded', codes: [code] })
  })

  it('not ready when no folder can be read', async () => {
    service.store.readable = false
    service.catalog.readable = false
    expect(await readyz()).toMatchObject({ http: 503, status: 'not ready' })
  })

  it('not ready when it ends', async () => {
    service.stopping = true
    expect(await readyz()).toMatchObject({ http: 503, status: 'not ready', codes: ['shutting-down'] })
  })

  it('not ready before the folders were read', async () => {
    service.catalog.ready = new Promise(() => {})
    expect(await readyz()).toMatchObject({ http: 503, status: 'not ready', codes: ['catalog-scanning'] })
    service.catalog.ready = Promise.resolve()
  })
})

describe('addresses and methods', () => {
  it('/ says what is here, with the address that the caller used', async () => {
    const text = await (await fetch(service.url('/'))).text()
    expect(text).toContain('Here are 1 RPM, 0 DEB and 0 TAR')
    expect(text).toContain(
      `curl -fOJ http://127.0.0.1:${service.port}/api/v1/install/client/download/tar/clusterware-node`,
    )
  })

  it('/openapi.json describes the downloads', async () => {
    const document = (await (await fetch(service.url('/openapi.json'))).json()) as { openapi: string; paths: object }
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        '/api/v1/install/client/download/rpm/{name}',
        '/api/v1/install/client/download/tar/{name}',
        '/healthz',
        '/readyz',
      ]),
    )
  })

  it('404 as a problem for what is nowhere', async () => {
    const response = await fetch(service.url('/nowhere'))
    expect([response.status, response.headers.get('content-type')]).toEqual([404, 'application/problem+json'])
    expect(await response.json()).toMatchObject({ code: 'no-such-route' })
  })

  it.each([
    ['POST', '/api/v1/install/client/download/rpm/x', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/healthz', 'GET, HEAD, OPTIONS'],
    ['PUT', '/', 'GET, HEAD, OPTIONS'],
  ])('%s %s: 405 with Allow', async (method, path, allow) => {
    const response = await fetch(service.url(path), { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
    expect(await response.json()).toMatchObject({ code: 'method-not-allowed' })
  })

  it('OPTIONS tells the methods', async () => {
    const response = await fetch(service.url('/healthz'), { method: 'OPTIONS' })
    expect([response.status, response.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
  })

  it('an error on an installer address is a script that fails', async () => {
    const response = await fetch(service.url("/api/v1/install/client/installer/it's"))
    expect(response.headers.get('content-type')).toBe('text/x-shellscript')
    expect(await response.text()).toMatch(/^#!\/bin\/sh\nprintf .*>&2\nexit \d+\n$/s)
  })

  it('413 for a body that is too large, also where nobody said how large', async () => {
    const large = new Blob(['x'.repeat(100_000)])
    for (const body of [large, large.stream()]) {
      const init = { method: 'POST', body, duplex: 'half', headers: { connection: 'close' } }
      expect((await fetch(service.url('/api/v1/install/client/installer'), init as RequestInit)).status).toBe(413)
    }
  })

  it.each(['/api/v1/install/client/download/tar/../../../../../etc/passwd', '/%2e%2E/etc', '/download/./x'])(
    '400 for %s, which leads elsewhere',
    async path => {
      const answer = await service.raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect(answer).toMatch(/^HTTP\/1\.1 400 /)
      expect(answer).toContain('"code":"dot-segments"')
    },
  )

  it('what Hono itself refuses keeps its status', async () => {
    const app = createApp(service.dependencies)
    app.get('/refused', () => {
      throw new HTTPException(415, { message: 'no such media type' })
    })
    const response = await app.request('/refused')
    expect([response.status, await response.json()]).toEqual([
      415,
      expect.objectContaining({ code: 'bad-request', detail: 'no such media type' }),
    ])
  })
})

describe('request ids', () => {
  it('come back, are made where there is none, and are refused where they are odd', async () => {
    const idOf = async (headers: Record<string, string>) =>
      (await fetch(service.url('/healthz'), { headers })).headers.get('x-request-id') ?? ''
    expect(await idOf({ 'x-request-id': 'node-17:boot.1' })).toBe('node-17:boot.1')
    expect(await idOf({})).toMatch(/^[0-9a-f-]{36}$/)
    for (const odd of ['a b', '"', 'x'.repeat(129), '$(reboot)'])
      expect(await idOf({ 'x-request-id': odd })).toMatch(/^[0-9a-f-]{36}$/)
    expect(
      (await fetch(service.url('/nowhere'), { headers: { 'x-request-id': 'lost' } })).headers.get('x-request-id'),
    ).toBe('lost')
  })
})

describe('requests that are none', () => {
  it.each([
    ['a bad Host', 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['no Host in HTTP/1.1', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['a backslash', 'GET /\\x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'an absolute address',
      'GET http://x/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      /^HTTP\/1\.1 200 /,
    ],
  ])('%s', async (_, request, answer) => {
    expect(await service.raw(request)).toMatch(answer)
  })
})
