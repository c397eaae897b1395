import { createHash } from 'node:crypto'
import { stat, truncate, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityOf, type StoredTar } from '@diskful/conversion'
import { describe, expect, it } from 'vitest'
import { until } from '../../../../test/support/ports.ts'
import type { BenchSettings, QueueBench } from './queue-bench.ts'

const WAIT = { waitMs: 20_000 }

/** What every ConversionQueue promises, held against real converter processes. */
export function queueContract(open: (settings?: BenchSettings) => Promise<QueueBench>): void {
  describe('a conversion', () => {
    it('ends with a TAR in the store whose SHA-256 is the one told; the next one is answered from the store', async () => {
      await using bench = await open()
      const job = await bench.folders.job(5)
      const outcome = await bench.queue.convert(job, WAIT)
      const tar = await bench.store.get(job.key)
      expect(outcome).toEqual({ status: 'published', key: job.key, sha256: await hashOf(tar!), size: tar!.meta.size })
      await tar!.close()
      expect(await bench.queue.convert(job, WAIT)).toEqual(outcome)
      expect(bench.folders.runsOf(5)).toBe(1)
      expect(bench.folders.staged()).toEqual([])
    })

    it('runs once for a thousand who ask at the same time, and once for each format and level', async () => {
      await using bench = await open({ faults: { 1: 'slow:300', 2: 'slow:300' } })
      const [one, two] = [await bench.folders.job(1), await bench.folders.job(2)]
      const asked = Array.from({ length: 1_000 }, (_, at) => bench.queue.convert(at % 10 === 0 ? two : one, WAIT))
      expect(new Set((await Promise.all(asked)).map(outcome => JSON.stringify(outcome))).size).toBe(2)
      expect(bench.folders.runs().sort((one, other) => one - other)).toEqual([1, 2])
      expect((await bench.queue.status()).waiters).toBe(0)
    })

    it('goes on when its client leaves, who is forgotten', async () => {
      await using bench = await open({ faults: { 1: 'slow:800' } })
      const job = await bench.folders.job(1)
      const client = new AbortController()
      const wait = bench.queue.convert(job, { ...WAIT, signal: client.signal })
      await until(async () => bench.folders.runs().length > 0 || undefined, waiting('a run'))
      client.abort(new Error('the client left'))
      await expect(wait).rejects.toThrow('the client left')
      expect((await bench.queue.status()).waiters).toBe(0)
      await until(() => bench.store.peek(job.key), waiting('the TAR'))
      expect(bench.folders.runsOf(1)).toBe(1)
    })

    it('goes on when a wait runs out', async () => {
      await using bench = await open({ faults: { 1: 'slow:1500' } })
      const job = await bench.folders.job(1)
      await expect(bench.queue.convert(job, { waitMs: 700 })).rejects.toMatchObject({ code: 'wait-timeout' })
      expect(await bench.queue.convert(job, WAIT)).toMatchObject({ status: 'published' })
      expect(bench.folders.runsOf(1)).toBe(1)
    })
  })

  describe('a bad package', () => {
    it('is told to everybody, remembered, and forgotten when the file changes', async () => {
      await using bench = await open({ faults: { 1: 'reject' } })
      const job = await bench.folders.job(1)
      const outcomes = await Promise.all([bench.queue.convert(job, WAIT), bench.queue.convert(job, WAIT)])
      for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', code: 'corrupt-compression' })
      expect(await bench.queue.convert(job, WAIT)).toEqual(outcomes[0])
      expect(bench.folders.runsOf(1)).toBe(1)
      const path = join(bench.folders.packages, 'rpm', job.file)
      await utimes(path, 1_000_000, 1_000_000)
      const changed = { ...job, identity: identityOf(await stat(path, { bigint: true })) }
      expect(await bench.queue.convert(changed, WAIT)).toMatchObject({ status: 'rejected' })
      expect(bench.folders.runsOf(1)).toBe(2)
      expect(await bench.store.keys()).toEqual([])
    })

    it('that changed or went away is no verdict and is not remembered', async () => {
      await using bench = await open()
      const job = await bench.folders.job(5)
      const older = { ...job, identity: { ...job.identity, mtimeNs: '1' } }
      expect(await bench.queue.convert(older, WAIT)).toMatchObject({ status: 'source-changed' })
      expect(await bench.queue.convert({ ...job, file: 'gone.rpm' }, WAIT)).toMatchObject({ status: 'source-changed' })
      expect(await bench.queue.convert(job, WAIT)).toMatchObject({ status: 'published' })
    })
  })

  describe('a bad machine', () => {
    it('gets three tries, then everybody hears its own words', async () => {
      await using bench = await open({ faults: { 1: 'fail' } })
      const job = await bench.folders.job(1)
      const waits = await Promise.allSettled([bench.queue.convert(job, WAIT), bench.queue.convert(job, WAIT)])
      for (const wait of waits) {
        expect(wait).toMatchObject({ reason: { code: 'conversion-failed', message: 'the machine is broken' } })
      }
      expect(bench.folders.runsOf(1)).toBe(3)
      expect(bench.folders.staged()).toEqual([])
    })

    it('that cut a stored TAR short gets it made again', async () => {
      await using bench = await open()
      const job = await bench.folders.job(5)
      const outcome = await bench.queue.convert(job, WAIT)
      const tar = await bench.store.get(job.key)
      await tar!.close()
      await truncate(tar!.path, 100)
      expect((await bench.store.lookup(job.key)).state).toBe('damaged')
      expect(await bench.queue.convert(job, WAIT)).toEqual(outcome)
      expect(bench.folders.runsOf(5)).toBe(2)
    })
  })

  describe('the queue', () => {
    it('lets nodes overtake prewarming', async () => {
      await using bench = await open({
        faults: { 1: 'slow:200', 2: 'slow:200', 3: 'slow:200', 4: 'slow:200', 5: 'slow:200' },
        env: { CONVERTER_CONCURRENCY: '1' },
      })
      const { queue, folders } = bench
      for (const level of [1, 2, 3, 4, 5]) await queue.enqueue(await folders.job(level, { priority: 'prewarm' }))
      await until(async () => folders.runs().length > 0 || undefined, waiting('a run'))
      const last = await folders.job(folders.runs()[0] === 5 ? 4 : 5)
      expect(await queue.convert(last, WAIT)).toMatchObject({ status: 'published' })
      expect(folders.runs().indexOf(last.level)).toBeLessThanOrEqual(2)
      await until(async () => folders.runs().length === 5 || undefined, waiting('all runs'))
    })

    it('holds as many requests as it may and no more', async () => {
      await using bench = await open({ maxWaiters: 3, faults: { 1: 'slow:300' } })
      const job = await bench.folders.job(1)
      const waits = Array.from({ length: 5 }, () => bench.queue.convert(job, WAIT))
      const results = await Promise.allSettled(waits)
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
      for (const refused of results.slice(3)) {
        expect(refused).toMatchObject({ reason: { code: 'too-many-waiters', retryAfterSeconds: expect.any(Number) } })
      }
    })

    it('ends all waits when it is closed', async () => {
      await using bench = await open({ faults: { 1: 'slow:1000' } })
      const job = await bench.folders.job(1)
      const wait = bench.queue.convert(job, WAIT)
      const refused = expect(wait).rejects.toMatchObject({ code: 'shutting-down' })
      await sleep(100)
      await bench.queue.close()
      await refused
      await expect(bench.queue.convert(job, WAIT)).rejects.toMatchObject({ code: 'shutting-down' })
      await expect(bench.queue.enqueue(job)).rejects.toMatchObject({ code: 'shutting-down' })
    })
  })
}

function waiting(what: string) {
  return { seconds: 20, otherwise: () => `${what} did not come` }
}

async function hashOf(tar: StoredTar): Promise<string> {
  return createHash('sha256')
    .update(await tar.handle.readFile())
    .digest('hex')
}
