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
    expect(budget.used).toBeLessThan(64 * KIB * KIB + 2000 * 16 * KIB)
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

  it('uses what is given back again, except what a socket may still hold', () => {
    const budget = new ReadBudget()
    const [one, other] = [budget.take(20 * KIB), budget.take(20 * KIB)]
    budget.give(one)
    budget.forget(other)
    expect(budget.used).toBe(0)
    expect(budget.take(20 * KIB)).toBe(one)
    expect(budget.take(20 * KIB)).not.toBe(other)
  })
})
