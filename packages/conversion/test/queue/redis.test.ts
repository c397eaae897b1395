import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRedis, type TestRedis } from '../../../../test/support/redis.ts'
import { requireRedis } from '../../../../test/support/requires.ts'
import type { ConversionJob } from '../../src/job.ts'
import { failFastRedis, redisCrashCount, redisLease, redisRejections, redisUsage } from '../../src/queue/redis.ts'
import { memoryRejections, type Rejections } from '../../src/queue/rejections.ts'
import { memoryUsage, type UsageLog } from '../../src/store/usage.ts'
import { keyOf } from '../support/stores.ts'

describe.skipIf(!requireRedis())('what converters and APIs note in Redis', () => {
  let server: TestRedis
  let redis: Redis
  const prefix = `test-${randomUUID()}`
  beforeAll(async () => {
    server = await startRedis()
    redis = failFastRedis(server.url)
    await new Promise(resolve => redis.once('ready', resolve))
  })
  afterAll(async () => {
    redis.disconnect()
    await server.stop()
  })

  it.each<[string, (max: number) => Rejections]>([
    ['in Redis', max => redisRejections(redis, `${prefix}-bounded`, max)],
    ['in memory', max => memoryRejections(max)],
  ])('rejections %s: by state of the file, and a bounded number of them', async (_where, make) => {
    const rejections = make(3)
    const outcome = { status: 'rejected', code: 'bad', message: 'bad' } as const
    for (const digit of ['1', '2', '3', '4', '5']) await rejections.remember(job(digit), outcome)
    await rejections.remember(job('6'), { status: 'source-changed', message: 'changed' })
    const found = await Promise.all(['1', '2', '3', '4', '5', '6'].map(digit => rejections.find(job(digit))))
    expect(found.map(answer => answer?.outcome)).toEqual([undefined, undefined, outcome, outcome, outcome, undefined])
    expect(await rejections.find({ ...job('5'), identity: { ...job('5').identity, mtimeNs: '2' } })).toBeUndefined()
  })

  it('rejections go away by themselves, crashes later than others', async () => {
    const rejections = redisRejections(redis, `${prefix}-ttl`)
    await rejections.remember(job('1'), { status: 'rejected', code: 'bad', message: '' })
    await rejections.remember(job('2'), { status: 'rejected', code: 'crashes-converter', message: '' })
    const names = (await redis.keys(`${prefix}-ttl:rejected:*`)).sort()
    const seconds = await Promise.all(names.map(name => redis.ttl(name)))
    expect(seconds[0]).toBeGreaterThan(50)
    expect(seconds[0]).toBeLessThanOrEqual(60)
    expect(seconds[1]).toBeGreaterThan(590)
    expect(seconds[1]).toBeLessThanOrEqual(600)
  })

  it.each<[string, () => UsageLog]>([
    ['in Redis', () => redisUsage(redis, `${prefix}-usage`)],
    ['in memory', () => memoryUsage()],
  ])('uses %s: the latest counts', async (_where, make) => {
    const usage = make()
    await usage.record(
      new Map([
        [keyOf('1'), 5_000],
        [keyOf('2'), 1_000],
      ]),
    )
    await usage.record(new Map([[keyOf('1'), 60_000]]))
    const ages = await usage.ages()
    expect(ages.get(keyOf('1'))).toBeGreaterThanOrEqual(4_999)
    expect(ages.get(keyOf('1'))).toBeLessThan(15_000)
    await usage.forget([keyOf('1')])
    expect([...(await usage.ages()).keys()]).toEqual([keyOf('2')])
  })

  it('a lease is held by one at a time, and given back when the work fails', async () => {
    const [one, other] = [redisLease(redis, prefix), redisLease(redis, prefix)]
    let inside = 0
    const work = async () => {
      inside++
      expect(inside).toBe(1)
      await new Promise(resolve => setTimeout(resolve, 20))
      inside--
    }
    await Promise.all([one('x', work), other('x', work), one('x', work), other('x', work)])
    await expect(one('x', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    const impatient = redisLease(redis, prefix, 50)
    await one('x', async () => {
      await expect(impatient('x', work)).rejects.toMatchObject({ code: 'lease-unavailable' })
      await impatient('y', work)
    })
  })

  it('crashes are counted by state of the file', async () => {
    const crashes = redisCrashCount(redis, prefix)
    expect([await crashes.add(job('1')), await crashes.add(job('1')), await crashes.add(job('2'))]).toEqual([1, 2, 1])
    // A conversion that began twice and never ended counts; one that ended does not.
    expect([await crashes.begin(job('1')), await crashes.begin(job('1')), await crashes.begin(job('1'))]).toEqual([
      0, 1, 2,
    ])
    await crashes.end(job('1'))
    expect([await crashes.begin(job('1')), await crashes.begin(job('2'))]).toEqual([0, 0])
  })
})

function job(digit: string): ConversionJob {
  const identity = { dev: '1', ino: '1', size: 1, mtimeNs: '1', ctimeNs: '1' }
  const settings = { format: 'tar.gz', level: 5, requestId: 'test', priority: 'node' } as const
  return { key: keyOf(digit), file: 'test.rpm', identity, nevra: 'test-1-1.noarch', ...settings }
}
