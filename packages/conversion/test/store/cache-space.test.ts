import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CacheSpace, type CacheSpaceOptions } from '../../src/store/cache-space.ts'
import { LeaseUnavailable, processLease } from '../../src/store/lease.ts'
import { TooBigForCache } from '../../src/store/space.ts'
import { memoryUsage } from '../../src/store/usage.ts'
import { facts, keyOf, publish, silent, TestCache } from '../support/stores.ts'

const KIB = 1024
const MIB = 1024 * KIB

describe('CacheSpace', () => {
  it('evicts what was used least recently, and only as much as is needed', async () => {
    await using cache = await TestCache.make()
    const usage = memoryUsage()
    const evicted: string[] = []
    const space = spaceOf(cache, { maxBytes: 10 * MIB, usage, onEvicted: key => evicted.push(key[0]!) })
    const store = await cache.store({ space })
    for (const digit of ['1', '2', '3']) await publish(store, keyOf(digit), Buffer.alloc(3 * MIB))
    const ages = [
      ['1', 1_000],
      ['2', 3_000],
      ['3', 2_000],
    ] as const
    await usage.record(new Map(ages.map(([digit, age]) => [keyOf(digit), age])))
    await publish(store, keyOf('4'), Buffer.alloc(2 * MIB))
    expect(evicted).toEqual(['2'])
    expect((await store.keys()).map(key => key[0]).join()).toMatch(/^[134],[134],[134]$/)
  })

  it('does not break a download of what it evicts', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store({ space: spaceOf(cache, { maxBytes: 4 * MIB }) })
    await publish(store, keyOf('1'), Buffer.alloc(3 * MIB, 'x'))
    const tar = await store.get(keyOf('1'))
    await publish(store, keyOf('2'), Buffer.alloc(3 * MIB))
    expect(await store.get(keyOf('1'))).toBeUndefined()
    const bytes = await tar!.handle.readFile()
    expect(bytes.equals(Buffer.alloc(3 * MIB, 'x'))).toBe(true)
    await tar!.close()
  })

  it('keeps evicted TARs for the grace where readers on other hosts would lose them', async () => {
    await using cache = await TestCache.make()
    const space = spaceOf(cache, { maxBytes: 4 * MIB, keepGrace: true, graceMs: 60_000 })
    const store = await cache.store({ space })
    await publish(store, keyOf('1'), Buffer.alloc(3 * MIB))
    await publish(store, keyOf('2'), Buffer.alloc(3 * MIB))
    expect(await readdir(cache.layout.trash)).toHaveLength(1)
  })

  it('refuses for good what can never fit, and evicts nothing for it', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store({ space: spaceOf(cache, { maxBytes: 4 * MIB }) })
    await publish(store, keyOf('1'), Buffer.alloc(MIB))
    await expect(publish(store, keyOf('2'), Buffer.alloc(5 * MIB))).rejects.toBeInstanceOf(TooBigForCache)
    expect(await store.keys()).toEqual([keyOf('1')])
    expect(await readdir(cache.layout.staging)).toEqual([])
  })

  it('does not evict what was just asked for: disk-full for now', async () => {
    await using cache = await TestCache.make()
    const usage = memoryUsage()
    const store = await cache.store({ space: spaceOf(cache, { maxBytes: 4 * MIB, usage, protectedMs: 30_000 }) })
    await publish(store, keyOf('1'), Buffer.alloc(3 * MIB))
    await usage.record(new Map([[keyOf('1'), 0]]))
    await expect(publish(store, keyOf('2'), Buffer.alloc(3 * MIB))).rejects.toMatchObject({ code: 'disk-full' })
    expect(await store.keys()).toEqual([keyOf('1')])
    await usage.record(new Map([[keyOf('1'), 0]]))
  })

  it('counts what others reserved, in this process or another, though they have not written it', async () => {
    await using cache = await TestCache.make()
    const [one, other] = await Promise.all(
      [1, 2].map(() => cache.store({ space: spaceOf(cache, { maxBytes: 10 * MIB }) })),
    )
    const first = await one!.stage(keyOf('1'), { format: 'tar', estimate: 8 * MIB })
    expect((await stat(join(first.folder, first.file))).size).toBe(8 * MIB)
    const second = await other!.stage(keyOf('2'), { format: 'tar', estimate: 8 * MIB })
    expect((await stat(join(second.folder, second.file))).size).toBe(2 * MIB)
    await expect(second.write(Buffer.alloc(3 * MIB))).rejects.toMatchObject({ code: 'disk-full' })
    await first.write(Buffer.alloc(MIB))
    await first.publish(facts())
    await second.write(Buffer.alloc(3 * MIB))
    await second.discard()
  })

  it('keeps the share of the disk free that it shall', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store({ space: spaceOf(cache, { minFreeShare: 0.9999 }) })
    await expect(publish(store, keyOf('1'), Buffer.alloc(MIB))).rejects.toMatchObject({ code: 'disk-full' })
  })

  it('without a lease, grants what fits and evicts nothing', async () => {
    await using cache = await TestCache.make()
    const lease = async () => {
      throw new LeaseUnavailable('nobody grants it')
    }
    const store = await cache.store({ space: spaceOf(cache, { maxBytes: 4 * MIB, lease }) })
    await publish(store, keyOf('1'), Buffer.alloc(3 * MIB))
    await expect(publish(store, keyOf('2'), Buffer.alloc(3 * MIB))).rejects.toMatchObject({ code: 'disk-full' })
    expect(await store.keys()).toEqual([keyOf('1')])
  })

  it('trims to its limit when that was lowered', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store()
    for (const digit of ['1', '2', '3']) await publish(store, keyOf(digit), Buffer.alloc(MIB))
    const space = spaceOf(cache, { maxBytes: 2 * MIB + 64 * KIB })
    expect(await space.held()).toMatchObject({ tars: 3 })
    await space.trim()
    expect(await space.held()).toMatchObject({ tars: 2 })
  })
})

function spaceOf(cache: TestCache, options: Partial<CacheSpaceOptions>): CacheSpace {
  return new CacheSpace({
    layout: cache.layout,
    minFreeShare: 0,
    lease: processLease(),
    usage: memoryUsage(),
    logger: silent,
    graceMs: 60_000,
    keepGrace: false,
    protectedMs: 0,
    ...options,
  })
}
