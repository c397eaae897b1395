import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger, TarStore } from '@diskful/conversion'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../../test/support/ports.ts'
import { OwnRedis } from '../../../../test/support/redis.ts'
import { requireOwnRedis } from '../../../../test/support/requires.ts'
import { QueueBench } from '../support/queue-bench.ts'
import { TestFolders } from '../support/test-folders.ts'

const WAIT = { waitMs: 60_000 }

describe.skipIf(!requireOwnRedis())('bullQueue, when Redis goes away', () => {
  let redis: OwnRedis
  beforeEach(async () => {
    redis = await OwnRedis.start()
  })
  afterEach(() => redis.stop())

  it('waits survive a Redis that is killed and comes back empty five seconds later', async () => {
    await using bench = await QueueBench.bull(redis.url, { faults: { 1: 'steady:2000' }, converters: 2 })
    const waits = Array.from({ length: 50 }, async () => bench.queue.convert(await bench.folders.job(1), WAIT))
    await until(async () => bench.folders.runs().length > 0 || undefined, running)
    await redis.kill()
    await sleep(2_500)
    // Asked while Redis is away.
    waits.push(bench.queue.convert(await bench.folders.job(2), WAIT))
    await sleep(2_500)
    redis.wipe()
    await redis.start()
    const back = performance.now()
    for (const outcome of await Promise.all(waits)) expect(outcome).toMatchObject({ status: 'published' })
    expect(performance.now() - back).toBeLessThan(15_000)
    expect(bench.folders.runsOf(2)).toBe(1)
  })

  it('waits survive a Redis that is killed and comes back with its data', async () => {
    await using bench = await QueueBench.bull(redis.url, { faults: { 1: 'steady:1500' } })
    const wait = bench.queue.convert(await bench.folders.job(1), WAIT)
    await until(async () => bench.folders.runs().length > 0 || undefined, running)
    await redis.kill()
    await sleep(3_000)
    await redis.start()
    expect(await wait).toMatchObject({ status: 'published' })
    expect(bench.folders.runsOf(1)).toBe(1)
  })

  it('without Redis, misses end in seconds and hits are served; all is well once it is there', async () => {
    await using bench = await QueueBench.bull(redis.url, { bull: { awayMs: 2_000 } })
    const [hit, miss] = [await bench.folders.job(1), await bench.folders.job(2)]
    await bench.queue.convert(hit, WAIT)
    await redis.kill()
    const started = performance.now()
    await expect(bench.queue.convert(miss, WAIT)).rejects.toMatchObject({ code: 'queue-away' })
    expect(performance.now() - started).toBeLessThan(5_000)
    await expect(bench.queue.enqueue(miss)).rejects.toMatchObject({ code: 'queue-away' })
    expect(await bench.queue.convert(hit, WAIT)).toMatchObject({ status: 'published' })
    expect(await bench.queue.status()).toMatchObject({ reachable: false, message: expect.any(String) })
    await redis.start()
    const answered = async () => (await bench.queue.status()).reachable || undefined
    await until(answered, { seconds: 5, otherwise: () => 'Redis is not reached' })
    expect(await bench.queue.convert(miss, WAIT)).toMatchObject({ status: 'published' })
  })

  it('a Redis that was never there is reached once it starts', async () => {
    await redis.kill()
    await using bench = await QueueBench.bull(redis.url, { late: true, bull: { noConverterMs: 30_000 } })
    const wait = bench.queue.convert(await bench.folders.job(1), WAIT)
    await sleep(2_000)
    await redis.start()
    expect(await wait).toMatchObject({ status: 'published' })
  })

  it('a Redis that hangs is one that is away', async () => {
    await using bench = await QueueBench.bull(redis.url, { bull: { awayMs: 2_000 } })
    await bench.queue.convert(await bench.folders.job(1), WAIT)
    const pid = await pidOf(redis)
    process.kill(pid, 'SIGSTOP')
    const started = performance.now()
    const misses = await Promise.allSettled(
      [2, 3, 4].map(async level => bench.queue.convert(await bench.folders.job(level), WAIT)),
    )
    for (const miss of misses) expect(miss).toMatchObject({ reason: { code: 'queue-away' } })
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(await bench.queue.status()).toMatchObject({ reachable: false })
    process.kill(pid, 'SIGCONT')
    const answered = async () => (await bench.queue.status()).reachable || undefined
    await until(answered, { seconds: 5, otherwise: () => 'Redis is not reached' })
    expect(await bench.queue.convert(await bench.folders.job(5), WAIT)).toMatchObject({ status: 'published' })
  })

  it('a TAR that is published and never to be seen is asked for once more, then the wait says so', async () => {
    const elsewhere = new TestFolders()
    const store = await TarStore.open({
      folder: elsewhere.cache,
      writable: false,
      logger: createLogger('test', 'silent'),
    })
    await using bench = await QueueBench.bull(redis.url, { bull: { store, invisibleMs: 500 } })
    await expect(bench.queue.convert(await bench.folders.job(5), WAIT)).rejects.toMatchObject({
      code: 'conversion-failed',
      message: expect.stringContaining('do API and converter share that folder?'),
    })
    expect(bench.folders.staged()).toEqual([])
    elsewhere.remove()
  })

  it('several APIs share one conversion', async () => {
    await using bench = await QueueBench.bull(redis.url, { faults: { 1: 'slow:500' }, converters: 2 })
    const queues = [bench.queue, await bench.another(), await bench.another()]
    const job = await bench.folders.job(1)
    const waits = queues.flatMap(queue => Array.from({ length: 100 }, () => queue.convert(job, WAIT)))
    expect(new Set((await Promise.all(waits)).map(outcome => JSON.stringify(outcome))).size).toBe(1)
    expect(bench.folders.runsOf(1)).toBe(1)
  })

  it('a converter that is asked to end finishes what it runs', async () => {
    await using bench = await QueueBench.bull(redis.url, { faults: { 1: 'steady:2000' } })
    const wait = bench.queue.convert(await bench.folders.job(1), WAIT)
    await until(async () => bench.folders.runs().length > 0 || undefined, running)
    process.kill(bench.folders.runPids()[0]!, 'SIGTERM')
    expect(await wait).toMatchObject({ status: 'published' })
    expect(bench.folders.runsOf(1)).toBe(1)
  })

  it('a converter that is asked to end does not go on for longer than it may; another one takes over', async () => {
    const env = { SHUTDOWN_SECONDS: '1' }
    await using bench = await QueueBench.bull(redis.url, { faults: { 1: 'steady:5000' }, env })
    const converter = bench.converters.start()
    const wait = bench.queue.convert(await bench.folders.job(1), WAIT)
    await until(async () => bench.folders.runs().length > 0 || undefined, running)
    const [first] = bench.folders.runPids()
    const started = performance.now()
    process.kill(first!, 'SIGTERM')
    if (first === converter.pid) await once(converter, 'exit')
    else await until(async () => !bench.converters.pids().includes(first!) || undefined, running)
    expect(performance.now() - started).toBeLessThan(6_000)
    expect(await wait).toMatchObject({ status: 'published' })
    expect(bench.folders.runsOf(1)).toBe(2)
    expect(bench.folders.staged()).toEqual([])
  })

  it('a conversion outlives any number of converters that are asked to end', async () => {
    const env = { SHUTDOWN_SECONDS: '0' }
    await using bench = await QueueBench.bull(redis.url, { faults: { 1: 'steady:6000' }, env, converters: 4 })
    const wait = bench.queue.convert(await bench.folders.job(1), WAIT)
    for (let run = 1; run <= 4; run++) {
      await until(async () => bench.folders.runsOf(1) === run || undefined, running)
      if (run < 4) process.kill(bench.folders.runPids().at(-1)!, 'SIGTERM')
    }
    expect(await wait).toMatchObject({ status: 'published' })
    expect(bench.folders.runsOf(1)).toBe(4)
  })
})

const running = { seconds: 20, otherwise: () => 'no conversion runs' }

async function pidOf({ url }: OwnRedis): Promise<number> {
  const client = new Redis(url)
  const pid = Number(/^process_id:(\d+)/m.exec(await client.info('server'))?.[1])
  client.disconnect()
  return pid
}
