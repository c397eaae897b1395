import { describe, expect, it } from 'vitest'
import { ReadBudget } from '../src/send/read-budget.ts'

const KIB = 1024

describe('ReadBudget', () => {
  it('gives the few large buffers, and the last of many still one', () => {
    const budget = new ReadBudget(64 * KIB * KIB)
    const sizes = Array.from({ length: 2000 }, () => budget.take(512 * KIB).length)
    expect([sizes[0], sizes.at(-1)]).toEqual([512 * KIB, 16 * KIB])
    expect(sizes).toEqual(sizes.toSorted((one, other) => other - one))
    expect(budget.used).toBe(sizes.reduce((sum, size) => sum + size, 0))
    expect(budget.held).toBeLessThan(64 * KIB * KIB + 2000 * 16 * KIB)
  })

  it.each([
    [1, 16 * KIB],
    [16 * KIB, 16 * KIB],
    [16 * KIB + 1, 32 * KIB],
    [100 * KIB, 128 * KIB],
    [9000 * KIB, 512 * KIB],
  ])('for %i bytes a buffer of %i', (wanted, size) => {
    expect(new ReadBudget().take(wanted).length).toBe(size)
  })

  it('never gives the same memory twice, and holds no more than was ever out at once', () => {
    const budget = new ReadBudget(8 * KIB * KIB)
    const out: { buffer: Buffer; mark: number }[] = []
    let seed = 7
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below
    let most = 0
    for (let mark = 1; mark < 3000; mark++) {
      if (out.length > 0 && random(100) < 49) {
        const [gone] = out.splice(random(out.length), 1)
        expect(gone?.buffer.every(byte => byte === gone.mark % 251)).toBe(true)
        if (gone) budget.give(gone.buffer)
      } else {
        const buffer = budget.take(random(600 * KIB))
        buffer.fill(mark % 251)
        out.push({ buffer, mark })
      }
      most = Math.max(most, budget.used)
    }
    expect(budget.used).toBe(out.reduce((sum, { buffer }) => sum + buffer.length, 0))
    for (const { buffer } of out) budget.give(buffer)
    expect(budget.used).toBe(0)
    const held = budget.held
    for (let slabs = 0; slabs < held / (512 * KIB) / 2; slabs++) budget.take(512 * KIB)
    expect(budget.held).toBe(held)
    expect(held).toBeLessThan(2 * most)
  })

  it('refuses what is not out', () => {
    const budget = new ReadBudget()
    const buffer = budget.take(1)
    budget.give(buffer)
    expect(() => budget.give(buffer)).toThrow('not out')
  })
})
