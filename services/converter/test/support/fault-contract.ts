import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { until } from '../../../../test/support/ports.ts'
import type { BenchSettings, QueueBench } from './queue-bench.ts'

const WAIT = { waitMs: 100_000 }

/** What every ConversionQueue promises when converters hang, crash and die. Takes a minute. */
export function faultContract(open: (settings?: BenchSettings) => Promise<QueueBench>): void {
  it('a package that ends its thread every time is refused, whatever it does to it', async () => {
    const faults = { 1: 'exit', 2: 'spin', 3: 'memory' }
    await using bench = await open({ faults, env: { CONVERT_STALL_SECONDS: '3', CONVERT_HEAP_MB: '32' } })
    for (const level of [1, 2, 3]) {
      const job = await bench.folders.job(level)
      expect(await bench.queue.convert(job, WAIT)).toMatchObject({ status: 'rejected', code: 'crashes-converter' })
      expect(await bench.queue.convert(job, WAIT)).toMatchObject({ status: 'rejected', code: 'crashes-converter' })
      expect(bench.folders.runsOf(level)).toBe(2)
    }
    expect(bench.folders.staged()).toEqual([])
    expect(await bench.queue.convert(await bench.folders.job(5), WAIT)).toMatchObject({ status: 'published' })
  })

  it('without a converter, waits end within seconds', async () => {
    await using bench = await open({ converters: 0 })
    const started = performance.now()
    await expect(bench.queue.convert(await bench.folders.job(1), { waitMs: 60_000 })).rejects.toMatchObject({
      code: 'no-converter',
    })
    expect(performance.now() - started).toBeLessThan(9_000)
    expect(await bench.queue.status()).toMatchObject({ converters: 0, message: expect.any(String) })
  })

  it('everybody gets the TAR when the converter is killed in the middle', async () => {
    await using bench = await open({ faults: { 1: 'steady:3000' }, converters: 2 })
    const job = await bench.folders.job(1)
    const waits = Array.from({ length: 50 }, () => bench.queue.convert(job, WAIT))
    await until(async () => bench.folders.runs().length > 0 || undefined, { seconds: 20, otherwise: () => 'no run' })
    await sleep(500)
    expect(bench.folders.staged()).toHaveLength(1)
    process.kill(bench.folders.runPids()[0]!, 'SIGKILL')
    const killed = performance.now()
    const outcomes = await Promise.all(waits)
    expect(new Set(outcomes.map(outcome => JSON.stringify(outcome))).size).toBe(1)
    expect(outcomes[0]).toMatchObject({ status: 'published' })
    expect(performance.now() - killed).toBeLessThan(15_000 + 5_000)
    expect(bench.folders.runsOf(1)).toBe(2)
    const isClean = async () => bench.folders.staged().length === 0 || undefined
    await until(isClean, { seconds: 15, otherwise: () => `left in staging: ${bench.folders.staged().join()}` })
  })

  it('a package that kills its process every time is refused; the others are converted', async () => {
    await using bench = await open({ faults: { 1: 'kill', 2: 'steady:1000' }, converters: 2 })
    const bad = bench.queue.convert(await bench.folders.job(1), WAIT)
    const good = bench.queue.convert(await bench.folders.job(2), WAIT)
    expect(await bad).toMatchObject({ status: 'rejected', code: 'crashes-converter' })
    expect(await good).toMatchObject({ status: 'published' })
    expect(bench.folders.runsOf(1)).toBe(3)
    expect(await bench.queue.convert(await bench.folders.job(1), WAIT)).toMatchObject({ code: 'crashes-converter' })
    expect(bench.folders.runsOf(1)).toBe(3)
  })

  it('packages that only wait beside one that kills its process are not blamed for it', async () => {
    const faults = { 1: 'kill', 2: 'steady:1000', 3: 'steady:1000', 4: 'steady:1000' }
    await using bench = await open({ faults, env: { CONVERTER_CONCURRENCY: '4' } })
    const [bad, ...good] = await Promise.all([1, 2, 3, 4].map(async level => bench.folders.job(level)))
    const refused = bench.queue.convert(bad!, WAIT)
    for (const outcome of await Promise.all(good.map(job => bench.queue.convert(job, WAIT))))
      expect(outcome).toMatchObject({ status: 'published' })
    expect(await refused).toMatchObject({ status: 'rejected', code: 'crashes-converter' })
    expect(bench.folders.runsOf(1)).toBe(3)
  })
}
