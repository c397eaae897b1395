import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { listens } from '../support/ports.ts'
import { startProcess } from '../support/processes.ts'
import { OwnRedis } from '../support/redis.ts'
import { requireOwnRedis } from '../support/requires.ts'

describe('a process of a test', () => {
  it('says with its log why it did not start', async () => {
    const start = startProcess({
      name: 'broken',
      command: process.execPath,
      args: ['-e', 'console.error("no such luck"); process.exit(3)'],
      ready: async () => false,
    })
    await expect(start).rejects.toThrow(/"code":3[\s\S]*no such luck/)
  })

  it('dies together with what it started', async () => {
    const script = 'console.log(require("child_process").spawn("sleep", ["600"]).pid); setInterval(() => {}, 1000)'
    const parent = await startProcess({
      name: 'parent',
      command: process.execPath,
      args: ['-e', script],
      ready: async started => started.log().includes('\n'),
    })
    const child = Number(parent.log())
    expect(isRunning(child)).toBe(true)
    await parent.kill()
    await expect.poll(() => isRunning(child)).toBe(false)
  })
})

describe.skipIf(!requireOwnRedis())('a Redis of a test', () => {
  it('comes back on its port after a kill', async () => {
    const redis = await OwnRedis.start()
    try {
      await redis.kill()
      expect(await listens(redis.port)).toBe(false)
      redis.wipe()
      await redis.start()
      expect(await listens(redis.port)).toBe(true)
    } finally {
      await redis.stop()
    }
    expect(await listens(redis.port)).toBe(false)
  })
})

/** A zombie that no init reaps counts as gone. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
