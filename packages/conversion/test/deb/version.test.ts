import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { requireTool } from '../../../../test/support/requires.ts'
import { debianVersionCompare } from '../../src/index.ts'

/** Pairs with the answers of dpkg 1.21; data/versions.sh asks the installed dpkg again. */
const answers = readFileSync(join(import.meta.dirname, 'data/versions.tsv'), 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => line.split('\t') as [string, string, string])

const part = (unit: string) => fc.string({ unit: fc.constantFrom(...Array.from(unit)), maxLength: 8 })
const version = fc
  .tuple(fc.constantFrom('', '0:', '1:'), fc.nat(9), part('019azA.+~'), fc.option(part('019aA.+~'), { nil: '' }))
  .map(([epoch, digit, upstream, revision]) => `${epoch}${digit}${upstream}${revision ? `-${revision}` : ''}`)

describe('debianVersionCompare', () => {
  it("gives dpkg's own answers", () => {
    const wrong = answers.filter(([a, b, order]) => debianVersionCompare(a, b) !== Number(order))
    expect(wrong).toEqual([])
    expect(answers.length).toBeGreaterThan(900)
  })

  it('is an order', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(debianVersionCompare(a, b)).toBe(-debianVersionCompare(b, a) + 0)
        const [low, middle, high] = [a, b, c].toSorted(debianVersionCompare)
        expect(debianVersionCompare(low!, middle!)).toBeLessThanOrEqual(0)
        expect(debianVersionCompare(low!, high!)).toBeLessThanOrEqual(0)
      }),
    )
  })
})

describe.skipIf(!requireTool('dpkg'))('beside the installed dpkg', () => {
  const dpkgSays = (a: string, operator: string, b: string): boolean => {
    try {
      execFileSync('dpkg', ['--compare-versions', a, operator, b], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }

  it('agrees on versions that nobody chose', () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        const order = debianVersionCompare(a, b)
        return dpkgSays(a, order < 0 ? 'lt' : order > 0 ? 'gt' : 'eq', b)
      }),
      { numRuns: 150 },
    )
  })
})
