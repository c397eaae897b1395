import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OwnRedis } from '../../../../test/support/redis.ts'
import { requireOwnRedis } from '../../../../test/support/requires.ts'
import type { NodeReport } from '../../src/installer/report-log.ts'
import { RedisReportLog } from '../../src/installer/report-stream.ts'

const report = (node: number): NodeReport => ({
  at: 'now',
  address: '::1',
  requestId: 'r',
  fields: { node: `n${node}`, log: 'a\nb' },
})

const connected = (log: RedisReportLog) =>
  expect.poll(() => log.list().then(() => 'connected', String), { timeout: 5000 }).toBe('connected')

describe.skipIf(!requireOwnRedis())('reports in Redis', () => {
  let redis: OwnRedis
  beforeAll(async () => {
    redis = await OwnRedis.start()
  })
  afterAll(() => redis?.stop())

  it('are those of all replicas, the last 1,000, newest first', async () => {
    const [one, two] = [RedisReportLog.open(redis.url, 'x:reports'), RedisReportLog.open(redis.url, 'x:reports')]
    await connected(one)
    await connected(two)
    for (let node = 0; node < 1010; node++) await (node % 2 === 0 ? one : two).add(report(node))
    const listed = await two.list()
    expect(listed).toHaveLength(1000)
    expect(listed[0]).toEqual(report(1009))
    expect(listed.at(-1)).toEqual(report(10))
    expect(await one.list(1)).toEqual([report(1009)])
    await one.close()
    await two.close()
  })

  it('fail at once while Redis is away, and come back with it', async () => {
    const log = RedisReportLog.open(redis.url, 'y:reports')
    await connected(log)
    await redis.kill()
    const began = performance.now()
    await expect(log.add(report(1))).rejects.toThrow()
    expect(performance.now() - began).toBeLessThan(6000)
    await redis.start()
    await expect.poll(() => log.add(report(2)).then(() => 'kept', String), { timeout: 15_000 }).toBe('kept')
    expect((await log.list())[0]).toEqual(report(2))
    await log.close()
  })
})
