import { describe, expect, it } from 'vitest'
import type { ConversionJob } from '../../src/job.ts'
import { LocalJobs } from '../../src/queue/local-jobs.ts'
import { keyOf } from '../support/stores.ts'

describe('LocalJobs', () => {
  it('takes nodes first, then prewarming, each in order, each key once', () => {
    const jobs = new LocalJobs()
    for (const digit of ['1', '2', '3']) jobs.add(job(digit, 'prewarm'))
    jobs.add(job('4', 'node'))
    jobs.add(job('3', 'node'))
    jobs.add(job('3', 'prewarm'))
    expect(jobs.waiting).toBe(4)
    expect(takeAll(jobs)).toBe('4312')
    jobs.add(job('4', 'node'))
    expect(jobs.next()).toBeUndefined()
    jobs.finish(keyOf('4'))
    jobs.add(job('4', 'node'))
    expect(takeAll(jobs)).toBe('4')
  })

  it('tries a job again before all others, and one under which a converter died alone', () => {
    const jobs = new LocalJobs()
    for (const digit of ['1', '2', '3']) jobs.add(job(digit, 'node'))
    jobs.next()
    const taken = jobs.next()!
    jobs.finish(taken.job.key)
    jobs.retry([taken])
    expect(jobs.next()?.job.key[0]).toBe('2')
    const died = jobs.takeRunning()
    for (const local of died) local.crashes++
    jobs.retry(died)
    expect([jobs.next()?.job.key[0], jobs.next()]).toEqual(['1', undefined])
    jobs.finish(keyOf('1'))
    expect([jobs.next()?.job.key[0], jobs.next()]).toEqual(['2', undefined])
    jobs.finish(keyOf('2'))
    expect(takeAll(jobs)).toBe('3')
    expect(jobs.oldestMs()).toBe(0)
  })
})

function takeAll(jobs: LocalJobs): string {
  let order = ''
  for (let next = jobs.next(); next; next = jobs.next()) order += next.job.key[0]
  return order
}

function job(digit: string, priority: ConversionJob['priority']): ConversionJob {
  const identity = { dev: '1', ino: '1', size: 1, mtimeNs: '1', ctimeNs: '1' }
  const settings = { format: 'tar.gz', level: 5, requestId: 'test', priority } as const
  return { key: keyOf(digit), file: 'test.rpm', identity, nevra: 'test-1-1.noarch', ...settings }
}
