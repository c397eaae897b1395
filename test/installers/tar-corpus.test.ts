import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasCorpus } from '../support/corpus.ts'
import { requireRoot, requireTool } from '../support/requires.ts'
import { quick } from './tar-support/crash.ts'
import { tarInstaller } from './tar-support/installer.ts'
import { lifeBesideRpm, realPackages } from './tar-support/real-packages.ts'
import { closeRoots, openRoots } from './tar-support/roots.ts'

const able = requireRoot() && ['rpm', 'dash'].every(requireTool) && hasCorpus()

/** As many packages as that allows; 36000 for all. */
const SECONDS = Number(process.env.DISKFUL_CORPUS_SECONDS ?? 80)

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
    let same = 0
    for (const real of realPackages()) {
      if (performance.now() > deadline) break
      const lines = await lifeBesideRpm(real, folder, script)
      if (lines === undefined) continue
      if (lines.length === 0) same += 1
      else wrong.push(`${real.path}${real.newer ? ` -> ${real.newer}` : ''}:\n  ${lines.slice(0, 6).join('\n  ')}`)
    }
    console.log(`${same} real packages are the same by TAR as by rpm`)
    expect(wrong).toEqual([])
    expect(same).toBeGreaterThan(3)
  })
})
