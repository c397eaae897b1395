import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareEvr, rpmvercmp } from '../src/index.ts'

/** Pairs with the answers of rpm 4.18; data/vercmp.sh asks the installed rpm again. */
const answers = readFileSync(join(import.meta.dirname, 'data/vercmp.tsv'), 'latin1')
  .trimEnd()
  .split('\n')
  .map(line => line.split('\t') as [string, string, string])

describe('rpmvercmp', () => {
  it("gives rpm's own answers", () => {
    const wrong = answers.filter(([a, b, order]) => rpmvercmp(a, b) !== Number(order))
    expect(wrong).toEqual([])
    expect(answers.length).toBeGreaterThan(700)
  })

  it('turns around when its sides do', () => {
    const version = fc.string({ unit: fc.constantFrom(...Array.from('019abzAZ.~^_+')), maxLength: 12 })
    fc.assert(fc.property(version, version, (a, b) => rpmvercmp(a, b) === -rpmvercmp(b, a) || rpmvercmp(a, b) === 0))
  })

  it('compares numbers of any length', () => {
    expect(rpmvercmp('9'.repeat(400), `1${'0'.repeat(400)}`)).toBe(-1)
  })
})

describe('compareEvr', () => {
  const evr = (epoch: number | undefined, version: string, release: string) => ({ epoch, version, release })

  it('takes no epoch for 0', () => {
    expect(compareEvr(evr(undefined, '1', '1'), evr(0, '1', '1'))).toBe(0)
  })
  it('looks at the epoch first, then the version, then the release', () => {
    expect(compareEvr(evr(1, '1', '1'), evr(undefined, '9', '9'))).toBe(1)
    expect(compareEvr(evr(1, '1', '9'), evr(1, '2', '1'))).toBe(-1)
    expect(compareEvr(evr(1, '1', '2'), evr(1, '1', '10'))).toBe(-1)
  })
})
