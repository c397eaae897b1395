import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { debSatisfies, type Operator, rpmOverlap } from '../../src/plan/relation.ts'

/** Two relations of one name and whether rpm 4.18 takes one for the other; data/overlaps.py asks the installed rpm again. */
const answers = readFileSync(join(import.meta.dirname, 'data/overlaps.tsv'), 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => line.split('\t') as [Operator, string, Operator, string, string])

describe('RPM relations', () => {
  it('overlap where rpm says so', () => {
    const wrong = answers.filter(
      ([a, x, b, y, says]) =>
        rpmOverlap({ operator: a, version: x }, { operator: b, version: y }) !== (says === '1' || says === 'True'),
    )
    expect(wrong).toEqual([])
    expect(answers.length).toBeGreaterThan(800)
  })
})

describe('Debian relations', () => {
  it.each<[string, Operator, string, boolean]>([
    ['1.0-1', '>=', '1.0', true],
    ['1.0~rc1', '>=', '1.0', false],
    ['1.0', '=', '1.0-0', true],
    ['1:0.1', '>', '9', true],
    ['1.0', '<', '1.0', false],
    ['1.0', '<=', '1.0', true],
    ['anything', '', '', true],
  ])('%s %s %s: %s', (version, operator, bound, expected) => {
    expect(debSatisfies(version, { operator, version: bound })).toBe(expected)
  })
})
