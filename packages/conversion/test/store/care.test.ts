import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, open, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { identityText } from '../../src/identity.ts'
import { conversionKey } from '../../src/key.ts'
import { GoneTars } from '../../src/store/gone.ts'
import { Owner } from '../../src/store/owner.ts'
import { StagingSweep } from '../../src/store/sweep.ts'
import { emptyTrash } from '../../src/store/trash.ts'
import { memoryUsage } from '../../src/store/usage.ts'
import { type Verified, verifyStore } from '../../src/store/verify.ts'
import { facts, keyOf, publish, TestCache } from '../support/stores.ts'

const EXAMPLE = resolve(import.meta.dirname, '../../../../examples/clientpkgs/rpm/clusterware-tools-1.0.0-1.noarch.rpm')
const OWNER_MODULE = resolve(import.meta.dirname, '../../src/store/owner.ts')

describe('the sweep of staging', () => {
  it('removes what a killed process of this machine left, at once, and nobody else’s', async () => {
    await using cache = await TestCache.make()
    const mine = await Owner.start(cache.layout, thrown)
    const neighbour = await Owner.start(cache.layout, thrown)
    for (const owner of [mine.id, neighbour.id]) await mkdir(join(cache.layout.staging, `${owner}.0-0`))
    await mkdir(cache.layout.trash)
    const script = `const { Owner } = await import(${JSON.stringify(OWNER_MODULE)})
      const { mkdirSync } = await import('node:fs')
      const owner = await Owner.start(${JSON.stringify(cache.layout)}, () => {})
      mkdirSync(${JSON.stringify(cache.layout.staging)} + '/' + owner.id + '.1-1')
      console.log(owner.id); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [id] = (await once(child.stdout, 'data')) as [Buffer]
    const left = `${id.toString().trim()}.1-1`
    const sweep = new StagingSweep(cache.layout, mine.id)
    expect(await sweep.run()).toEqual([])
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
    expect(await sweep.run()).toEqual([left])
    const names = await readdir(cache.layout.staging)
    expect(names.sort()).toEqual([mine, neighbour].flatMap(({ id }) => [`${id}.0-0`, `${id}.owner`]).sort())
    expect(await readdir(cache.layout.trash)).toEqual([])
    await mine.stop()
    await neighbour.stop()
  })

  it('of another host, removes what has not been touched while it watched, whatever the clocks say', async () => {
    await using cache = await TestCache.make()
    await mkdir(cache.layout.trash, { recursive: true })
    await mkdir(join(cache.layout.staging, 'quiet.1-1'), { recursive: true })
    await mkdir(join(cache.layout.staging, 'busy.1-1'))
    const elsewhere = JSON.stringify({ host: 'elsewhere', boot: 'x', pidNamespace: 'y', pid: 1, startTime: '1' })
    const [quiet, busy] = ['quiet', 'busy'].map(name => join(cache.layout.staging, `${name}.owner`))
    for (const path of [quiet!, busy!]) await writeFile(path, elsewhere)
    // The other host's clock: far ahead for one, far behind for the other.
    await utimes(quiet!, 4_000_000_000, 4_000_000_000)
    const sweep = new StagingSweep(cache.layout, 'self', 300)
    const started = performance.now()
    let removed = await sweep.run()
    expect(removed).toEqual([])
    for (let beat = 1; removed.length === 0; beat++) {
      await sleep(50)
      await utimes(busy!, beat, beat)
      removed = await sweep.run()
    }
    expect(removed).toEqual(['quiet.1-1'])
    expect(performance.now() - started).toBeGreaterThanOrEqual(300)
    expect((await readdir(cache.layout.staging)).sort()).toEqual(['busy.1-1', 'busy.owner'])
  })
})

describe('the trash', () => {
  it('is emptied after the grace', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store()
    await publish(store, keyOf('1'), Buffer.alloc(100_000))
    await store.drop(keyOf('1'))
    expect(await emptyTrash(cache.layout, 60_000)).toMatchObject({ freed: 0, left: expect.any(Number) })
    expect(await readdir(cache.layout.trash)).toHaveLength(1)
    expect((await emptyTrash(cache.layout, 0)).freed).toBeGreaterThanOrEqual(100_000)
    expect(await readdir(cache.layout.trash)).toEqual([])
  })
})

describe('TARs whose RPM is gone', () => {
  it('are dropped once nobody asks for them, and only then', async () => {
    await using cache = await TestCache.make()
    const folder = await mkdtemp(join(tmpdir(), 'diskful-rpms-'))
    const [stays, goes, moves, touched] = ['stays', 'goes', 'moves', 'touched'].map(name => join(folder, `${name}.rpm`))
    const store = await cache.store()
    const keys: Record<string, string> = {}
    let level = 0
    for (const path of [stays!, goes!, moves!, touched!]) {
      await copyFile(EXAMPLE, path)
      keys[path] = await publishFrom(path, ++level)
    }
    const usage = memoryUsage()
    const gone = new GoneTars({ store, usage, folder })
    expect(await gone.run()).toEqual([])
    await rm(goes!)
    await rename(moves!, join(folder, 'moved.rpm'))
    await utimes(touched!, 1_000_000, 1_000_000)
    expect(await gone.run()).toEqual([])
    await usage.record(new Map([[keys[moves!]!, 0]]))
    await sleep(20)
    expect(await gone.run()).toEqual([keys[goes!]])
    expect(await store.keys()).toHaveLength(3)
    // An empty folder may be a mount that is missing: nothing is dropped for it.
    await rm(folder, { recursive: true })
    await mkdir(folder)
    expect([await gone.run(), await gone.run()]).toEqual([[], []])
    await rm(folder, { recursive: true })

    async function publishFrom(path: string, level: number): Promise<string> {
      const handle = await open(path)
      const { key, identity } = await conversionKey(handle, { format: 'tar.gz', level })
      await handle.close()
      const staging = await store.stage(key, { format: 'tar.gz', estimate: 0 })
      await staging.write(Buffer.from(path))
      const source = { file: path.slice(folder.length + 1), size: identity.size, identity: identityText(identity) }
      await staging.publish({ ...facts(source), level })
      return key
    }
  })
})

describe('verifyStore', () => {
  it('drops what does not have its SHA-256, what is incomplete and what is no key', async () => {
    await using cache = await TestCache.make()
    const store = await cache.store()
    for (const digit of ['1', '2', '3']) await publish(store, keyOf(digit), 'right bytes')
    await writeFile(join(cache.layout.tar, keyOf('2'), 'package.tar.gz'), 'wrong bytes')
    await writeFile(join(cache.layout.tar, keyOf('3'), 'package.tar.gz'), 'short')
    await mkdir(join(cache.layout.tar, 'lost+found'))
    const verified: Verified[] = []
    for await (const each of verifyStore(store)) verified.push(each)
    const wrong = verified.filter(({ state }) => state === 'wrong')
    expect(wrong.map(({ key }) => key).sort()).toEqual([keyOf('2'), keyOf('3'), 'lost+found'])
    for (const { reason } of wrong) expect(reason).toBeTruthy()
    expect(await store.keys()).toEqual([keyOf('1')])
    expect(await readdir(cache.layout.tar)).toEqual([keyOf('1')])
  })
})

function thrown(error: unknown): void {
  throw error
}
