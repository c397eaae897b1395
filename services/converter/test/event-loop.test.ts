import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type ConversionJob, createLogger } from '@diskful/conversion'
import { describe, expect, it } from 'vitest'
import { smallRpm } from '../../../packages/conversion/test/support/packages.ts'
import { ConversionThreads } from '../src/conversion-threads.ts'
import { TestFolders } from './support/test-folders.ts'

const MiB = 1024 * 1024
const LONGEST_MS = 50

/** Text that compresses to a third, different in every line. */
function content(seed: number, size: number): Buffer {
  const lines: string[] = []
  for (let length = 0, value = seed; length < size; length += lines.at(-1)!.length) {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0
    lines.push(`${value.toString(36)} of line ${lines.length}\n`)
  }
  return Buffer.from(lines.join('')).subarray(0, size)
}

/** Longest that this thread computed without a turn of its event loop, ms; time that other processes took does not count. */
function watchTurns(): () => number {
  let longest = 0
  let before = process.threadCpuUsage()
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(before)
    before = process.threadCpuUsage()
    longest = Math.max(longest, (user + system) / 1000)
  }, 2)
  return () => {
    clearInterval(timer)
    return longest
  }
}

describe("the converter's event loop", () => {
  it(`is never blocked for ${LONGEST_MS} ms by two conversions, large files and many files`, async () => {
    const folders = new TestFolders()
    const large = Array.from({ length: 4 }, (_, k) => ({
      path: `/usr/share/large/f${k}`,
      content: content(k, 12 * MiB),
    }))
    const many = Array.from({ length: 5000 }, (_, k) => ({ path: `/usr/share/many/f${k}`, content: content(k, 2000) }))
    writeFileSync(join(folders.packages, 'rpm/large.rpm'), smallRpm({ name: 'large', files: large }))
    writeFileSync(join(folders.packages, 'rpm/many.rpm'), smallRpm({ name: 'many', files: many }))
    const jobs: ConversionJob[] = []
    for (const format of ['tar.gz', 'tar.zst'] as const)
      for (const file of ['large.rpm', 'many.rpm']) jobs.push(await folders.job(3, { file, format }))

    const threads = new ConversionThreads({
      threadFile: new URL('../src/conversion-thread.ts', import.meta.url),
      data: { folder: folders.packages, cacheFolder: folders.cache, owner: 'test', logLevel: 'fatal' },
      staging: join(folders.cache, 'staging'),
      space: { reserve: async (_file, _needed, wanted) => wanted },
      compressThreads: 2,
      heapMb: 512,
      logger: createLogger('test', 'fatal'),
    })
    const limits = { deadlineMs: 120_000, stallMs: 60_000, signal: new AbortController().signal }
    const delay = monitorEventLoopDelay({ resolution: 5 })
    try {
      delay.enable()
      const longest = watchTurns()
      for (const pair of [jobs.slice(0, 2), jobs.slice(2)]) {
        const results = await Promise.all(pair.map(job => threads.run(job, limits)))
        for (const { outcome } of results) expect(outcome).toMatchObject({ status: 'published' })
      }
      // On a machine with nothing else to do this is what monitorEventLoopDelay says; on a busy one it says less.
      console.info(
        `longest turn ${longest().toFixed(1)} ms of CPU; event loop delay ${(delay.max / 1e6).toFixed(1)} ms`,
      )
      expect(longest()).toBeLessThan(LONGEST_MS)
    } finally {
      delay.disable()
      await threads.close()
      folders.remove()
    }
  }, 120_000)
})
