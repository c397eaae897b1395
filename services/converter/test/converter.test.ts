import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freePort, until } from '../../../test/support/ports.ts'
import { QueueBench } from './support/queue-bench.ts'
import { TestFolders } from './support/test-folders.ts'

const MAIN = join(import.meta.dirname, '../src/main.ts')

describe('a converter', () => {
  it('refuses to start without a queue, and with a bad environment, and says why', () => {
    const alone = spawnSync(process.execPath, [MAIN], { env: {}, encoding: 'utf8' })
    expect([alone.status, alone.stderr]).toEqual([1, expect.stringContaining('set REDIS_URL')])
    const env = { CONVERTER_CONCURRENCY: 'many', CACHE_MAX_BYTES: '0', GZIP_LEVEL: '13' }
    const confused = spawnSync(process.execPath, [MAIN], { env, encoding: 'utf8' })
    expect(confused.status).toBe(1)
    for (const name of Object.keys(env)) expect(confused.stderr).toContain(`${name}=`)
  })

  it.skipIf(process.getuid?.() !== 0)('says what is wrong with a cache that it cannot write', () => {
    const folders = new TestFolders()
    mkdirSync(folders.cache)
    const env = { REDIS_URL: 'redis://127.0.0.1:1', CACHE_DIR: folders.cache, CLIENTPKGS_DIR: folders.packages }
    const nobody = spawnSync(process.execPath, [MAIN], { env, encoding: 'utf8', uid: 65534 })
    expect([nobody.status, nobody.stderr]).toEqual([1, expect.stringMatching(/^CACHE_DIR=.* by user 65534: EACCES/)])
    expect(nobody.stderr).not.toContain('    at ')
    folders.remove()
  })

  it('counts what it ran, not what the store had already, and writes one line for each', async () => {
    const port = await freePort()
    await using bench = await QueueBench.local({ faults: { 1: 'reject' }, env: { OPS_PORT: String(port) } })
    const [good, bad] = [await bench.folders.job(5), await bench.folders.job(1)]
    for (const job of [good, good, bad, bad]) await bench.queue.convert(job, { waitMs: 20_000 })
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const counted = metrics.split('\n').filter(line => line.startsWith('diskful_conversions_total{'))
    expect(counted.sort()).toEqual([
      expect.stringMatching(/^diskful_conversions_total{result="published",code="",format="tar.gz",payload="\w+"} 1$/),
      expect.stringMatching(/{result="rejected",code="corrupt-compression",format="tar.gz",payload="\w+"} 1$/),
    ])
    const names = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(names.filter(name => !name?.startsWith('diskful_'))).toEqual([])
    expect(metrics).toMatch(/^diskful_cache_tars 1$/m)
    expect(metrics).toMatch(/^diskful_cache_bytes [1-9]\d*$/m)
    const health = await fetch(`http://127.0.0.1:${port}/healthz`)
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }])
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404)
    expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status).toBe(405)
    const lines = bench.converters
      .log()
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
    expect(lines.find(({ msg }) => msg === 'converted')).toMatchObject({
      requestId: 'test-5',
      key: good.key,
      nevra: good.nevra,
      rpmBytes: good.identity.size,
      size: expect.any(Number),
      seconds: expect.any(Number),
    })
    expect(lines.find(({ msg }) => msg === 'the package was refused')).toMatchObject({ requestId: 'test-1' })
  })

  it('removes what a converter left that was killed before', async () => {
    await using first = await QueueBench.local({ faults: { 1: 'steady:60000' }, env: { SHUTDOWN_SECONDS: '0' } })
    const wait = first.queue.convert(await first.folders.job(1), { waitMs: 60_000 })
    const refused = expect(wait).rejects.toMatchObject({ code: 'shutting-down' })
    const stages = async () => first.folders.staged().length > 0 || undefined
    await until(stages, { seconds: 20, otherwise: () => 'nothing in staging' })
    const [left] = first.folders.staged()
    process.kill(first.converters.pids()[0]!, 'SIGKILL')
    const swept = async () => !first.folders.staged().includes(left!) || undefined
    await until(swept, { seconds: 10, otherwise: () => 'it is not swept' })
    await first.queue.close()
    await refused
  })
})
