import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOpsApp } from '../src/ops.ts'
import { registerServiceGauges } from '../src/service-gauges.ts'
import { TestService } from './support/test-service.ts'

let service: TestService

beforeAll(async () => {
  service = await TestService.start()
  const { catalog, queue, store, metrics } = service.dependencies
  registerServiceGauges(metrics.registry, { catalog, queue, store })
  await service.catalog.add('rpm', 'mypkg-1-1.x86_64.rpm', 'an rpm')
})
afterAll(() => service.stop())

describe('/metrics', () => {
  it('counts requests by route and status, hits, misses, waits and bytes', async () => {
    for (const path of ['tar/mypkg', 'tar/mypkg', 'rpm/mypkg', 'rpm/unknown']) await (await service.get(path)).text()
    await new Promise(resolve => setTimeout(resolve, 50))
    const response = await createOpsApp(service.dependencies).request('/metrics')
    expect(response.headers.get('content-type')).toContain('text/plain')
    const lines = (await response.text()).split('\n')
    const route = '/api/v1/install/client/download'
    expect(lines).toEqual(
      expect.arrayContaining([
        `diskful_http_requests_total{route="${route}/tar/:name",method="GET",status="200"} 2`,
        `diskful_http_requests_total{route="${route}/rpm/:name",method="GET",status="200"} 1`,
        `diskful_http_requests_total{route="${route}/rpm/:name",method="GET",status="404"} 1`,
        'diskful_tar_requests_total{result="miss"} 1',
        'diskful_tar_requests_total{result="hit"} 1',
        'diskful_waiting_requests 0',
        'diskful_wait_seconds_count 1',
        'diskful_download_bytes_total{type="rpm"} 6',
        'diskful_download_bytes_total{type="tar"} 66',
        'diskful_catalog_packages{type="rpm"} 1',
        'diskful_catalog_errors 0',
        'diskful_queue_jobs{state="waiting"} 0',
        'diskful_converters 1',
        'diskful_queue_reachable 1',
        'diskful_cache_disk_free_ratio 0.5',
      ]),
    )
    expect(lines.some(line => /^diskful_event_loop_delay_seconds\{quantile="0.99"\} [\d.e-]+$/.test(line))).toBe(true)
    expect(lines.filter(line => line !== '' && !line.startsWith('#') && !line.startsWith('diskful_'))).toEqual([])
  })
})

describe('actions', () => {
  const act = (opsHost: string, opsToken: string | undefined, headers: Record<string, string> = {}) => {
    const config = { ...service.dependencies.config, opsHost, opsToken }
    return createOpsApp({ ...service.dependencies, config }).request('/catalog/refresh', { method: 'POST', headers })
  }

  it.each<[string, string, string | undefined, Record<string, string>, number]>([
    ['on loopback, without a token', '127.0.0.1', undefined, {}, 200],
    ['on loopback by name', 'localhost', undefined, {}, 200],
    ['on loopback, from a web page', '127.0.0.1', undefined, { origin: 'http://evil.example' }, 403],
    ['on all addresses, without a token', '0.0.0.0', undefined, {}, 403],
    ['on all addresses, token not given', '0.0.0.0', 'secret', {}, 401],
    ['on all addresses, wrong token', '0.0.0.0', 'secret', { authorization: 'Bearer secreT' }, 401],
    ['on all addresses, token given', '0.0.0.0', 'secret', { authorization: 'Bearer secret' }, 200],
    ['on loopback, token demanded', '127.0.0.1', 'secret', {}, 401],
  ])('%s', async (_, host, token, headers, status) => {
    const before = service.catalog.refreshes
    expect((await act(host, token, headers)).status).toBe(status)
    expect(service.catalog.refreshes - before).toBe(status === 200 ? 1 : 0)
  })

  it('reading needs none of it', async () => {
    const config = { ...service.dependencies.config, opsHost: '0.0.0.0', opsToken: 'secret' }
    const app = createOpsApp({ ...service.dependencies, config })
    for (const path of ['/', '/metrics', '/healthz', '/catalog/errors'])
      expect((await app.request(path)).status).toBe(200)
    expect((await app.request('/nothing')).status).toBe(404)
  })
})
