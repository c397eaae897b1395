import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RateLimit } from '../../src/installer/rate-limit.ts'
import { FileReportLog } from '../../src/installer/report-file.ts'
import type { NodeReport } from '../../src/installer/report-log.ts'

const report = (node: number): NodeReport => ({
  at: 'now',
  address: '::1',
  requestId: 'r',
  fields: { node: `n${node}` },
})
const nodes = (reports: readonly NodeReport[]) => reports.map(({ fields }) => fields.node)

describe('reports in a file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'diskful-reports-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('keeps the last 1,000, newest first, over a restart', async () => {
    const log = await FileReportLog.open(folder)
    for (let node = 0; node < 2500; node++) await log.add(report(node))
    await log.close()
    const lines = (await readFile(join(folder, 'node-reports.jsonl'), 'utf8')).trim().split('\n')
    expect(lines.length).toBeLessThanOrEqual(2000)
    for (const opened of [log, await FileReportLog.open(folder)]) {
      expect(nodes(await opened.list())).toEqual(Array.from({ length: 1000 }, (_, i) => `n${2499 - i}`))
    }
    expect(nodes(await log.list(2))).toEqual(['n2499', 'n2498'])
  })

  it('writes many at once one after the other', async () => {
    const log = await FileReportLog.open(folder)
    await Promise.all(Array.from({ length: 50 }, (_, node) => log.add(report(node))))
    expect(nodes(await (await FileReportLog.open(folder)).list()).toReversed()).toEqual(
      nodes(Array.from({ length: 50 }, (_, i) => report(i))),
    )
  })

  it('leaves out a line that a crash cut', async () => {
    await writeFile(join(folder, 'node-reports.jsonl'), `${JSON.stringify(report(1))}\n{"at":"no`)
    const log = await FileReportLog.open(folder)
    expect(nodes(await log.list())).toEqual(['n1'])
  })
})

describe('a rate for each address', () => {
  it('lets a burst through, then one each interval', () => {
    let now = 0
    const rate = new RateLimit({ burst: 3, secondsEach: 2, now: () => now })
    expect([1, 2, 3, 4].map(() => rate.take('a'))).toEqual([0, 0, 0, 2])
    expect(rate.take('b')).toBe(0)
    now += 1000
    expect(rate.take('a')).toBe(1)
    now += 1000
    expect([rate.take('a'), rate.take('a')]).toEqual([0, 2])
    now += 3_600_000
    expect([1, 2, 3, 4].map(() => rate.take('a') === 0)).toEqual([true, true, true, false])
  })

  it('remembers no more keys than it may', () => {
    const rate = new RateLimit({ burst: 1, secondsEach: 1000, keys: 2, now: () => 0 })
    expect(['a', 'b', 'c'].map(key => rate.take(key))).toEqual([0, 0, 0])
    // 'a' was forgotten, 'c' was not.
    expect(rate.take('c')).toBeGreaterThan(0)
    expect(rate.take('a')).toBe(0)
  })
})
