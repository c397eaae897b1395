import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireTool } from '../../../test/support/requires.ts'
import { sha256 } from './support/memory-conversions.ts'
import { Nginx } from './support/nginx.ts'
import { TestService } from './support/test-service.ts'

const CONTENT = Buffer.from(Array.from({ length: 50_000 }, (_, index) => (index * 31) % 253))
const NAME = 'libstdc++-14~rc1^2-1.x86_64.rpm'
const CLIENT = '/api/v1/install/client/download'

describe.skipIf(!requireTool('nginx'))('ranges, as nginx answers them', () => {
  let service: TestService
  let nginx: Nginx

  beforeAll(async () => {
    service = await TestService.start()
    await service.catalog.add('rpm', 'x-1-1.noarch.rpm', CONTENT)
    nginx = await Nginx.start(
      join(service.folder, 'nginx'),
      port => `server { listen 127.0.0.1:${port}; root ${service.catalog.folder}; }`,
    )
  })
  afterAll(async () => {
    await nginx.stop()
    await service.stop()
  })

  it.each([
    'bytes=0-0',
    'bytes=0-',
    'bytes=100-199',
    'bytes=49999-',
    'bytes=49999-60000',
    'bytes=50000-',
    'bytes=-1',
    'bytes=-60000',
    'bytes=-0',
    'bytes= 5-9',
    'BYTES=5-9',
  ])('%s', async range => {
    const answerOf = async (url: string) => {
      const response = await fetch(url, { headers: { range } })
      const body = Buffer.from(await response.arrayBuffer())
      const ours = response.status === 416 ? '' : sha256(body)
      return { status: response.status, range: response.headers.get('content-range'), body: ours }
    }
    const theirs = await answerOf(`http://127.0.0.1:${nginx.port}/rpm/x-1-1.noarch.rpm`)
    expect(await answerOf(service.download('rpm/x'))).toEqual(theirs)
  })
})

describe.skipIf(!requireTool('nginx'))('examples/nginx/diskful.conf', () => {
  let service: TestService
  let nginx: Nginx
  const url = (path: string) => `http://127.0.0.1:${nginx.port}${CLIENT}/${path}`
  const etag = `"${sha256(CONTENT)}"`

  beforeAll(async () => {
    service = await TestService.start({ accelRedirectPrefix: '/_diskful' })
    await service.catalog.add('rpm', `el 9/${NAME}`, CONTENT, { name: 'libstdc++' })
    const example = await readFile(join(import.meta.dirname, '../../../examples/nginx/diskful.conf'), 'utf8')
    nginx = await Nginx.start(join(service.folder, 'nginx'), port =>
      example
        .replace('server 127.0.0.1:8080', `server 127.0.0.1:${service.port}`)
        .replace('listen 80;', `listen 127.0.0.1:${port};`)
        .replace('/opt/scyld/clusterware/clientpkgs/', `${service.catalog.folder}/`)
        .replace('/var/cache/diskful/', `${service.store.folder}/`),
    )
  })
  afterAll(async () => {
    await nginx.stop()
    await service.stop()
  })

  it('sends the file under our tag, digest and name', async () => {
    const response = await fetch(url(`rpm/${encodeURIComponent('libstdc++')}`), {
      headers: { 'x-request-id': 'by-nginx' },
    })
    expect(Object.fromEntries(response.headers)).toMatchObject({
      etag,
      'content-length': '50000',
      'content-type': 'application/x-rpm',
      'content-disposition': `attachment; filename="${NAME}"`,
      'repr-digest': `sha-256=:${Buffer.from(sha256(CONTENT), 'hex').toString('base64')}:`,
      'accept-ranges': 'bytes',
      'cache-control': 'no-cache',
      'x-request-id': 'by-nginx',
    })
    expect(response.headers.has('x-accel-redirect')).toBe(false)
    expect(Date.parse(response.headers.get('last-modified') ?? '')).toBeGreaterThan(0)
    expect(Buffer.from(await response.arrayBuffer()).equals(CONTENT)).toBe(true)
  })

  it('converts on request and sends the TAR from the cache', async () => {
    for (const origin of ['miss', 'hit']) {
      const text = await (await fetch(url('tar/libstdc++'))).text()
      expect([origin, text.startsWith('TAR of ')]).toEqual([origin, true])
    }
    expect(service.queue.jobs).toHaveLength(1)
  })

  const past = 'Thu, 01 Jan 1970 00:00:01 GMT'
  it.each<[string, Record<string, string>, number, number]>([
    ['a range', { range: 'bytes=10-19' }, 206, 10],
    ['a range of this file', { range: 'bytes=10-19', 'if-range': etag }, 206, 10],
    ['a range of another file', { range: 'bytes=10-19', 'if-range': '"x"' }, 200, 50_000],
    ['the same tag', { 'if-none-match': etag }, 304, 0],
    ['another tag', { 'if-none-match': '"x"' }, 200, 50_000],
    ['modified since 1970', { 'if-modified-since': past }, 200, 50_000],
    ['a tag to match', { 'if-match': etag }, 200, 50_000],
    ['a tag to match, and a range', { 'if-match': etag, range: 'bytes=0-4' }, 206, 5],
  ])('%s', async (_, headers, status, bytes) => {
    const response = await fetch(url('rpm/libstdc++'), { headers })
    expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([status, bytes])
  })

  it('412, 404 and HEAD', async () => {
    expect((await fetch(url('rpm/libstdc++'), { headers: { 'if-match': '"x"' } })).status).toBe(412)
    expect(await (await fetch(url('rpm/unknown'))).json()).toMatchObject({ code: 'no-such-package' })
    const head = await fetch(url('rpm/libstdc++'), { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([200, '50000', etag])
  })

  it('keeps the folders to itself', async () => {
    const path = `/_diskful/packages/rpm/el%209/${encodeURIComponent(NAME)}`
    expect((await fetch(`http://127.0.0.1:${nginx.port}${path}`)).status).toBe(404)
  })
})
