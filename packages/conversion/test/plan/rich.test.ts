import { describe, expect, it } from 'vitest'
import type { Formula } from '../../src/plan/formula.ts'
import { relationText } from '../../src/plan/relation.ts'
import { parseRich } from '../../src/plan/rich.ts'

/** Fully bracketed, prefix form. */
function shown(formula: Formula | undefined): string {
  if (!formula) return 'refused'
  if (formula.kind === 'atom') return relationText(formula.relation)
  if ('condition' in formula) {
    const { kind, wanted, condition, otherwise } = formula
    return `${kind}[${[wanted, condition, ...(otherwise ? [otherwise] : [])].map(shown).join(' | ')}]`
  }
  return `${formula.kind}[${formula.parts.map(shown).join(' | ')}]`
}

describe('a rich dependency', () => {
  it.each([
    ['(a)', 'a'],
    ['(a or b)', 'or[a | b]'],
    ['(a and b and c)', 'and[a | b | c]'],
    ['(a >= 1:2-3 if b < 4)', 'if[a >= 1:2-3 | b < 4]'],
    ['(a if b else c)', 'if[a | b | c]'],
    ['(a unless (b or c))', 'unless[a | or[b | c]]'],
    ['(a with b without c)', 'refused'],
    ['(a without b)', 'without[a | b]'],
    ['(pkgconfig(x) >= 1 with pkgconfig(x) < 2)', 'with[pkgconfig(x) >= 1 | pkgconfig(x) < 2]'],
    ['(libx.so.1()(64bit) or /usr/bin/x)', 'or[libx.so.1()(64bit) | /usr/bin/x]'],
    ['((a if b) and (c or d))', 'and[if[a | b] | or[c | d]]'],
    ['( a   or\tb )', 'or[a | b]'],
    ['(a and b or c)', 'refused'],
    ['(a or)', 'refused'],
    ['(a or b', 'refused'],
    ['(a or b) c', 'refused'],
    ['(a <> 1)', 'refused'],
    ['(a nor b)', 'refused'],
    ['()', 'refused'],
    [`${'('.repeat(50)}a${')'.repeat(50)}`, 'refused'],
  ])('%s reads as %s', (text, expected) => {
    expect(shown(parseRich(text))).toBe(expected)
  })
})
