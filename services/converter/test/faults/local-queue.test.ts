import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { until } from '../../../../test/support/ports.ts'
import { startProcess } from '../../../../test/support/processes.ts'
import { faultContract } from '../support/fault-contract.ts'
import { QueueBench } from '../support/queue-bench.ts'
import { TestFolders } from '../support/test-folders.ts'

describe('localQueue', () => {
  faultContract(settings => QueueBench.local({ ...settings, env: { ...settings?.env, CACHE_CARE_SECONDS: '1' } }))

  it('a converter whose parent is killed ends too, and leaves nothing behind', async () => {
    const folders = new TestFolders()
    const parent = await startProcess({
      name: 'local-parent',
      command: process.execPath,
      args: [join(import.meta.dirname, '../support/local-parent.ts'), folders.root],
      ready: async started => started.log().includes('converter '),
    })
    const converter = Number(/converter (\d+)/.exec(parent.log())?.[1])
    await until(async () => folders.staged().length > 0 || undefined, { seconds: 20, otherwise: () => parent.log() })
    process.kill(parent.pid, 'SIGKILL')
    await until(async () => !isAlive(converter) || undefined, { seconds: 10, otherwise: () => 'it goes on' })
    expect(folders.staged()).toEqual([])
    folders.remove()
  })
})

function isAlive(pid: number): boolean {
  try {
    // A zombie is dead; it only waits for somebody to ask how it died.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
