import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { download, tarUrl } from '../support/downloads.ts'
import { EXAMPLES, HeadNode, offered, type Service } from '../support/head-node.ts'
import { freePort, until } from '../support/ports.ts'
import { OwnRedis } from '../support/redis.ts'
import { requireOwnRedis, requireTool } from '../support/requires.ts'

const PASSWORD = 'p@ss:w/rd'
const RPM = join(EXAMPLES, 'rpm/clusterware-tools-1.0.0-1.noarch.rpm')

/** What admins have for a Redis, with an API and a converter as processes. */
describe.skipIf(!requireOwnRedis() || !requireTool('redis-cli') || !requireTool('openssl'))('a Redis', () => {
  let head: HeadNode
  let redis: OwnRedis
  let api: Service
  let converter: Service
  beforeEach(() => {
    head = new HeadNode({ CACHE_MIN_FREE_PERCENT: '0' })
    head.add(RPM)
  })
  afterEach(async () => {
    await head.close()
    await redis.stop()
  })

  const start = async (environment: Record<string, string>): Promise<void> => {
    api = await head.startApi(environment)
    converter = await head.startConverter(environment)
    await offered(api, ['clusterware-tools'])
  }
  const tar = (format: string) => download(`${tarUrl(api.url, 'clusterware-tools')}?format=${format}`)
  const readiness = async () =>
    (await (await fetch(`${api.url}/readyz`)).json()) as { status: string; reasons: unknown[] }
  const isReady = () =>
    until(async () => ((await readiness()).status === 'ready' ? true : undefined), {
      seconds: 30,
      otherwise: () => `not ready: ${api.process.log()}`,
    })
  const cli = (...command: string[]) =>
    execFileSync('redis-cli', ['-p', String(redis.port), ...command], { stdio: 'pipe' })

  it('with a password and a database of its own', async () => {
    redis = await OwnRedis.start(['--requirepass', PASSWORD])
    await start({ REDIS_URL: `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}/3` })
    await isReady()
    expect((await tar('tar.gz')).status).toBe(200)
    expect(cli('-a', PASSWORD, '--no-auth-warning', 'info', 'keyspace').toString()).toMatch(/^# Keyspace\s+db3:\S+\s*$/)
    for (const { process } of [api, converter]) expect(process.log()).not.toMatch(/p@ss|p%40ss/)
  })

  it('that refuses the password: says so, answers at once, and keeps no process from ending', async () => {
    redis = await OwnRedis.start(['--requirepass', PASSWORD])
    await start({ REDIS_URL: `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}` })
    await isReady()
    cli('-a', PASSWORD, '--no-auth-warning', 'config', 'set', 'requirepass', 'another')
    cli('-a', 'another', '--no-auth-warning', 'client', 'kill', 'type', 'normal')
    const isAway = async () => (await readiness()).status === 'degraded' || undefined
    await until(isAway, { seconds: 20, otherwise: () => api.process.log() })
    const refused = expect.stringContaining('WRONGPASS')
    expect(await readiness()).toMatchObject({ status: 'degraded', reasons: [{ code: 'queue-away', message: refused }] })
    const answer = await tar('tar.gz')
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, expect.stringMatching(/^\d+$/)])
    expect(answer.text).toContain('WRONGPASS')
    expect(answer.seconds).toBeLessThan(15)
    const health = await fetch(`${converter.url}/healthz`)
    expect([health.status, await health.json()]).toEqual([503, expect.objectContaining({ reason: refused })])
    for (const { process } of [api, converter]) expect(await process.stop(20)).toEqual({ code: 0, signal: null })
    expect(converter.process.log().match(/WRONGPASS/g)).toHaveLength(1)
  })

  it('behind TLS, with a certificate of the site', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'diskful-tls-'))
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', ...subject]
    execFileSync('openssl', ['req', '-x509', ...made], { stdio: 'pipe' })
    const tlsPort = await freePort()
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate]
    redis = await OwnRedis.start(['--tls-port', String(tlsPort), '--tls-auth-clients', 'no', ...files])
    await start({ REDIS_URL: `rediss://localhost:${tlsPort}`, NODE_EXTRA_CA_CERTS: certificate })
    await isReady()
    expect((await tar('tar.gz')).status).toBe(200)
    rmSync(folder, { recursive: true })
  })

  it('that takes no writes, as a replica or with its memory full: an error of its own words, hits go on', async () => {
    redis = await OwnRedis.start()
    await start({ REDIS_URL: redis.url })
    await isReady()
    expect((await tar('tar.gz')).status).toBe(200)
    for (const [begin, end, words, format] of [
      [['replicaof', '127.0.0.1', '1'], ['replicaof', 'no', 'one'], 'READONLY', 'tar.zst'],
      [['config', 'set', 'maxmemory', '1'], ['config', 'set', 'maxmemory', '0'], 'OOM', 'tar'],
    ] as const) {
      cli(...begin)
      const miss = await tar(format)
      expect([miss.status, miss.headers['retry-after']]).toEqual([503, expect.stringMatching(/^\d+$/)])
      expect(miss.text).toContain(words)
      expect(miss.seconds).toBeLessThan(25)
      expect((await tar('tar.gz')).status).toBe(200)
      expect(await readiness()).toMatchObject({ status: 'degraded', reasons: [{ code: 'queue-away' }] })
      cli(...end)
      await isReady()
      expect((await tar(format)).status).toBe(200)
    }
  })
})
