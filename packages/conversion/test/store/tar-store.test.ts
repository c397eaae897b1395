import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { facts, keyOf, publish, TestCache } from '../support/stores.ts'

const KEY = keyOf('a')

describe('TarStore', () => {
  it('has a TAR once it is published, with its SHA-256, and nothing is left in staging', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store()
    const staging = await store.stage(KEY, { format: 'tar.gz', estimate: 10 })
    await staging.write(Buffer.from('hello '))
    expect((await store.lookup(KEY)).state).toBe('absent')
    await staging.write(Buffer.from('world'))
    const meta = await staging.publish(facts())
    expect(meta.sha256).toBe(createHash('sha256').update('hello world').digest('hex'))
    const tar = await store.get(KEY)
    expect(await tar!.handle.readFile('utf8')).toBe('hello world')
    expect(tar!.meta).toEqual(meta)
    expect(meta.size).toBe(11)
    await tar!.close()
    expect(await readdir(cache.layout.staging)).toEqual([])
    expect(await store.keys()).toEqual([KEY])
  })

  it('has nothing when the staging folder is discarded', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store()
    const staging = await store.stage(KEY, { format: 'tar', estimate: 0 })
    await staging.write(Buffer.from('half'))
    await staging.discard()
    expect(await readdir(cache.layout.staging)).toEqual([])
    expect(await store.get(KEY)).toBeUndefined()
    await expect(staging.publish(facts())).rejects.toThrow('closed')
  })

  it('can be read before anybody wrote, and is asked for keys only', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store({ writable: false })
    expect(await store.keys()).toEqual([])
    expect(await store.lookup(KEY)).toEqual({ state: 'absent' })
    expect(await store.lookup('../../etc')).toEqual({ state: 'absent' })
    await expect(store.stage(KEY, { format: 'tar', estimate: 0 })).rejects.toThrow('for reading')
  })

  it.each([
    ['a TAR cut short', (folder: string) => truncate(join(folder, 'package.tar.gz'), 2)],
    ['no TAR', (folder: string) => import('node:fs/promises').then(({ rm }) => rm(join(folder, 'package.tar.gz')))],
    ['a meta.json that is no JSON', (folder: string) => writeFile(join(folder, 'meta.json'), '{')],
    [
      'the meta.json of another key',
      (folder: string) => writeFile(join(folder, 'meta.json'), `{"key":"${keyOf('b')}"}`),
    ],
  ])('finds %s damaged; reading it says so, writing it makes room for a new one', async (_what, damage) => {
    await using cache = await TestCache.make()
    await publish(await cache.store(), KEY, 'good bytes')
    await damage(join(cache.layout.tar, KEY))
    const [reading, writing] = [await cache.store({ writable: false }), await cache.store()]
    expect(await reading.lookup(KEY)).toMatchObject({ state: 'damaged', reason: expect.any(String) })
    expect(await reading.keys()).toEqual([KEY])
    expect(await writing.lookup(KEY)).toEqual({ state: 'absent' })
    expect(await readdir(cache.layout.trash)).toHaveLength(1)
    await publish(writing, KEY, 'good bytes')
    expect((await reading.peek(KEY))?.size).toBe(10)
  })

  it('publishes over what is damaged, and keeps what is good', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store()
    await mkdir(join(cache.layout.tar, KEY))
    await writeFile(join(cache.layout.tar, KEY, 'rubbish'), '')
    await publish(store, KEY, 'first')
    const second = await publish(store, KEY, 'second')
    expect(second.size).toBe('first'.length)
    expect((await store.peek(KEY))?.size).toBe('first'.length)
    expect(await readdir(cache.layout.staging)).toEqual([])
  })

  it('is never half-written, however many processes publish the same keys', async () => {
    await using cache = await TestCache.make()
    const script = join(import.meta.dirname, '../support/publishing-process.ts')
    const store = await cache.store()
    const writers = ['one', 'two', 'three'].map(owner =>
      spawn(process.execPath, [script, cache.folder, owner, '60'], { stdio: ['ignore', 'ignore', 'inherit'] }),
    )
    const exits = writers.map(writer => once(writer, 'exit'))
    let running = true
    void Promise.all(exits).then(() => {
      running = false
    })
    const reading = await cache.store({ writable: false })
    let hits = 0
    while (running) {
      for (let digit = 0; digit < 16; digit++) {
        const key = keyOf(digit.toString(16))
        const found = await reading.lookup(key)
        expect(found.state).not.toBe('damaged')
        if (found.state !== 'hit') continue
        hits++
        expect(await found.tar.handle.readFile('utf8')).toBe(`the bytes of ${key}`)
        await found.tar.close()
      }
    }
    for (const [code] of await Promise.all(exits)) expect(code).toBe(0)
    expect(hits).toBeGreaterThan(10)
    expect(await readdir(cache.layout.staging)).toEqual([])
    expect((await store.keys()).length).toBeGreaterThan(10)
  })

  it('tells once which TARs were handed out', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store()
    await publish(store, KEY, 'bytes')
    await store.peek(KEY)
    expect(store.takeUses().size).toBe(0)
    await (await store.get(KEY))!.close()
    expect([...store.takeUses().keys()]).toEqual([KEY])
    expect(store.takeUses().size).toBe(0)
  })

  it('says what is wrong with its folder', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store({ writable: false })
    expect(await store.status()).toMatchObject({ readable: true, freeShare: expect.any(Number) })
    await cache[Symbol.asyncDispose]()
    expect(await store.status()).toMatchObject({ readable: false, message: expect.stringContaining('CACHE_DIR') })
  })
})
