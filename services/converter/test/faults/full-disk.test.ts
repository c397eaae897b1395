import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger, TarStore } from '@diskful/conversion'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requireRoot } from '../../../../test/support/requires.ts'
import { QueueBench } from '../support/queue-bench.ts'
import { TestFolders } from '../support/test-folders.ts'

const MIB = 1024 * 1024
const WAIT = { waitMs: 30_000 }

/** A cache on a file system of 16 MiB, of which a filler takes what a test wants. */
describe.skipIf(!requireRoot() || !canMount())('a full disk', () => {
  let folders: TestFolders
  const filler = () => join(folders.cache, 'filler')
  beforeEach(() => {
    folders = new TestFolders()
    mkdirSync(folders.cache)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'diskful-test', folders.cache])
  })
  afterEach(() => {
    execFileSync('umount', ['-l', folders.cache])
    folders.remove()
  })

  it('is told as disk-full, leaves nothing in staging, and passes when there is room again', async () => {
    writeFileSync(filler(), Buffer.alloc(12 * MIB))
    await using bench = await QueueBench.local({ folders, faults: { 1: `big:${8 * MIB}` } })
    const job = await folders.job(1)
    const waits = await Promise.allSettled([bench.queue.convert(job, WAIT), bench.queue.convert(job, WAIT)])
    for (const wait of waits) {
      expect(wait).toMatchObject({ reason: { code: 'disk-full', retryAfterSeconds: expect.any(Number) } })
    }
    expect(folders.runsOf(1)).toBe(1)
    expect(folders.staged()).toEqual([])
    rmSync(filler())
    expect(await bench.queue.convert(job, WAIT)).toMatchObject({ status: 'published' })
  })

  it('that others fill during a conversion is noticed by the write itself', async () => {
    const store = await TarStore.open({
      folder: folders.cache,
      writable: true,
      owner: 'test',
      logger: createLogger('test', 'silent'),
    })
    const staging = await store.stage('a'.repeat(64), { format: 'tar', estimate: 0 })
    await staging.write(Buffer.alloc(4 * MIB))
    expect(() => writeFileSync(filler(), Buffer.alloc(16 * MIB))).toThrow('ENOSPC')
    await expect(staging.write(Buffer.alloc(8 * MIB))).rejects.toMatchObject({ code: 'disk-full' })
    await staging.discard()
    expect(folders.staged()).toEqual([])
  })

  it('makes the least recently used TARs go, but none that was just asked for', async () => {
    const faults = Object.fromEntries([1, 2, 3, 4].map(level => [level, `big:${4 * MIB}`]))
    const env = { CACHE_MIN_FREE_PERCENT: '10' }
    await using bench = await QueueBench.local({ folders, env, faults })
    const jobs = await Promise.all([1, 2, 3, 4].map(level => folders.job(level)))
    for (const job of jobs.slice(0, 3))
      expect(await bench.queue.convert(job, WAIT)).toMatchObject({ status: 'published' })
    // What was just published is not evicted: somebody is about to open it.
    await expect(bench.queue.convert(jobs[3]!, WAIT)).rejects.toMatchObject({ code: 'disk-full' })
    await sleep(31_000)
    const used = await bench.store.get(jobs[0]!.key)
    await used!.close()
    expect(await bench.queue.convert(jobs[3]!, WAIT)).toMatchObject({ status: 'published' })
    expect(statSync(join(folders.cache, 'tar', jobs[3]!.key)).isDirectory()).toBe(true)
    expect((await bench.store.keys()).length).toBeLessThanOrEqual(3)
  }, 90_000)
})

/** Containers are often root without the right to mount. */
function canMount(): boolean {
  try {
    const folders = new TestFolders()
    execFileSync('mount', ['-t', 'tmpfs', 'diskful-test', folders.root], { stdio: 'ignore' })
    execFileSync('umount', [folders.root])
    folders.remove()
    return true
  } catch {
    console.warn('skipped: tests on a full disk; they need the right to mount a tmpfs (CAP_SYS_ADMIN)')
    return false
  }
}
