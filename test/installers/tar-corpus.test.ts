import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasCorpus } from '../support/corpus.ts'
import { requireRoot, requireTool } from '../support/requires.ts'
import { quick } from './tar-support/crash.ts'
import { tarInstaller } from './tar-support/installer.ts'
import { lifeBesideRpm, type RealPackage, realPackages } from './tar-support/real-packages.ts'
import { closeRoots, openRoots } from './tar-support/roots.ts'

const able = requireRoot() && ['rpm', 'dash'].every(requireTool) && hasCorpus()

/** DISKFUL_CORPUS_SHARE=2/6 is every sixth package from the second on, however long that takes; 1/1 is all of them. */
const SHARE = process.env.DISKFUL_CORPUS_SHARE
/** Without a share: as many packages as that allows, from all over the corpus. */
const SECONDS = SHARE ? 36_000 : Number(process.env.DISKFUL_CORPUS_SECONDS ?? 80)
const STRIDE = 7

describe.skipIf(!able)('real packages beside rpm itself', () => {
  let folder: string
  let script: string
  beforeAll(async () => {
    folder = openRoots()
    script = quick(await tarInstaller())
  })
  afterAll(() => closeRoots(folder))

  it('leave the same trees when they are installed, upgraded and removed', {
    timeout: (SECONDS + 120) * 1000,
  }, async () => {
    const deadline = performance.now() + SECONDS * 1000
    const wrong: string[] = []
    const count = { same: 0, upgraded: 0, 'without a yardstick': 0 }
    for (const real of packagesToCompare()) {
      if (performance.now() > deadline) break
      const life = await lifeBesideRpm(real, folder, script)
      if (life === undefined) {
        count['without a yardstick'] += 1
        continue
      }
      const { lines } = life
      if (life.upgraded) count.upgraded += 1
      if (lines.length === 0) count.same += 1
      else wrong.push(`${real.path}${real.newer ? ` -> ${real.newer}` : ''}:\n  ${lines.slice(0, 6).join('\n  ')}`)
    }
    console.log('real packages by TAR and by rpm:', count)
    expect(wrong).toEqual([])
    expect(count.same).toBeGreaterThan(3)
  })
})

function packagesToCompare(): RealPackage[] {
  const all = realPackages()
  if (!SHARE) return Array.from({ length: STRIDE }, (_, at) => everyNth(all, at, STRIDE)).flat()
  const [share, of] = SHARE.split('/').map(Number)
  return everyNth(all, share! - 1, of!)
}

function everyNth<T>(list: readonly T[], from: number, n: number): T[] {
  return list.filter((_, index) => index % n === from)
}
