import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Download, download, downloadFromAny, tally, tarUrl } from '../support/downloads.ts'
import { until } from '../support/ports.ts'
import { buildRpms } from '../support/rpmbuild.ts'
import type { Stack } from '../support/stack.ts'
import { expectedTar } from './expected-tar.ts'

const LARGE = 60_000_000
/** Until the queue notices that a converter is gone, or has been. */
const NOTICE_SECONDS = 15

/** What many nodes see while parts of an installation are killed and restarted. Call it inside a `describe`. */
export function scenarios(start: () => Promise<Stack>, sizes: { requests: number; packages: number }): void {
  const folder = mkdtempSync(join(tmpdir(), 'diskful-scenarios-'))
  const small = Array.from({ length: sizes.packages }, (_, i) => `storm-${i}`)
  const rolling = Array.from({ length: 12 }, (_, i) => `rolling-${i}`)
  const large = ['measured', 'killed', 'lost', 'kept']
  const files = new Map<string, string>()
  let stack: Stack

  beforeAll(async () => {
    const names = [...small, ...rolling, ...large]
    const built = buildRpms(folder, [
      ...small.map(name => ({ name })),
      ...rolling.map(name => ({ name, size: 2_000_000 })),
      ...large.map(name => ({ name, size: LARGE })),
    ])
    for (const [i, name] of names.entries()) files.set(name, built[i] ?? '')
    stack = await start()
    // In one go: each package has to rest for a second before it is offered.
    await Promise.all(names.map(name => stack.add(files.get(name) ?? '', name)))
    // Building an image on a cold and busy machine takes minutes.
  }, 900_000)

  afterAll(async () => {
    await stack?.close()
    rmSync(folder, { recursive: true })
  }, 120_000)

  it(`makes ${sizes.packages} TARs for ${sizes.requests} simultaneous requests`, async () => {
    const before = await stack.conversions()
    const apis = await stack.apis()
    const nameOf = (i: number): string => small[i % small.length] ?? ''
    const storm = async (): Promise<Download[]> =>
      await Promise.all(
        Array.from({ length: sizes.requests }, (_, i) => download(tarUrl(apis[i % apis.length] ?? '', nameOf(i)))),
      )
    const wanted: Record<string, number> = {}
    for (let i = 0; i < sizes.requests; i++) {
      const line = `200 ${await tarOf(nameOf(i))}`
      wanted[line] = (wanted[line] ?? 0) + 1
    }
    expect(tally(await storm())).toEqual(wanted)
    expect((await stack.conversions()) - before).toBe(sizes.packages)
    // From the store now.
    expect(tally(await storm())).toEqual(wanted)
    expect((await stack.conversions()) - before).toBe(sizes.packages)
  })

  /** Twice as long is allowed below: what else the machine does varies. */
  let conversionSeconds = 0
  it('takes its time for a large package', async () => {
    const begun = performance.now()
    expect(tally(await crowd('measured', 40))).toEqual({ [`200 ${await tarOf('measured')}`]: 40 })
    conversionSeconds = (performance.now() - begun) / 1000
  })

  it('gives every waiter its TAR within 15 s and a conversion after a kill of the working converter', async () => {
    const waiting = crowd('killed', 40)
    await stack.killWorkingConverter()
    const killedAt = performance.now()
    expect(tally(await waiting)).toEqual({ [`200 ${await tarOf('killed')}`]: 40 })
    expect((performance.now() - killedAt) / 1000).toBeLessThan(NOTICE_SECONDS + 2 * conversionSeconds)
  })

  it.each(['lost', 'kept'] as const)('survives a queue that is away for 5 s, its data %s', async data => {
    const waiting = crowd(data, 40)
    await new Promise(resolve => setTimeout(resolve, 300))
    await stack.interruptQueue({ seconds: 5, data })
    const backAt = performance.now()
    expect(tally(await waiting)).toEqual({ [`200 ${await tarOf(data)}`]: 40 })
    expect((performance.now() - backAt) / 1000).toBeLessThan(NOTICE_SECONDS + 2 * conversionSeconds)
  })

  it('is restarted piece by piece under load, and clients that retry refused connections see no failure', async () => {
    const results: ReturnType<typeof downloadFromAny>[] = []
    let loaded = true
    const load = (async () => {
      for (let turn = 0; loaded; turn++) {
        const name = rolling[turn % rolling.length] ?? ''
        results.push(downloadFromAny(await stack.apis(), name, turn))
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    })()
    await stack.restartApis()
    await stack.restartConverters()
    await stack.restartApis()
    loaded = false
    await load
    const downloads = await Promise.all(results)
    const wrong: Download[] = []
    for (const { result } of downloads) {
      const name = result.url.slice(result.url.lastIndexOf('/') + 1)
      if (result.status !== 200 || result.sha256 !== (await tarOf(name))) wrong.push(result)
    }
    expect(tally(wrong)).toEqual({})
    expect(downloads.length).toBeGreaterThan(100)
    expect(downloads.reduce((sum, { resets }) => sum + resets, 0)).toBeLessThan(downloads.length / 100)
  })

  it('leaves nothing half-made behind', async () => {
    const empty = async () => ((await stack.staging()).length === 0 ? true : undefined)
    await until(empty, { seconds: 150, everyMs: 500, otherwise: () => 'staging is not empty' })
  })

  const tars = new Map<string, Promise<string>>()
  const tarOf = async (name: string): Promise<string> => {
    const made = tars.get(name) ?? expectedTar(files.get(name) ?? '')
    tars.set(name, made)
    return await made
  }

  const crowd = async (name: string, size: number): Promise<Download[]> => {
    const apis = await stack.apis()
    return await Promise.all(
      Array.from({ length: size }, (_, i) => download(tarUrl(apis[i % apis.length] ?? '', name))),
    )
  }
}
