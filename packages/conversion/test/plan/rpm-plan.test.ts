import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planOf, rowsOf, type TestPackages } from '../support/offers.ts'

const rows = (packages: TestPackages, ...wanted: string[]) => rowsOf(planOf('rpm', packages, wanted))
const open = (packages: TestPackages, ...wanted: string[]) =>
  planOf('rpm', packages, wanted).unresolved.map(({ requirement, reason }) => `${requirement}: ${reason}`)

describe('a plan of RPMs', () => {
  it('has what is required, before what requires it', () => {
    const packages = {
      'app-1-1.noarch': { requires: ['lib >= 2', 'tool'] },
      'lib-1-1.x86_64': {},
      'lib-2-1.x86_64': { requires: ['base'] },
      'base-1-1.noarch': {},
      'helper-1-1.noarch': { provides: ['tool'] },
      'unneeded-1-1.noarch': {},
    }
    expect(rows(packages, 'app')).toEqual(['base-1-1.noarch', 'lib-2-1.x86_64', 'helper-1-1.noarch', 'app-1-1.noarch'])
    expect(open(packages, 'app')).toEqual([])
  })

  it('tells what was asked for from what comes with it', () => {
    const { packages } = planOf('rpm', { 'a-1-1.noarch': { requires: ['b'] }, 'b-1-1.noarch': {} }, ['a'])
    expect(packages.map(({ entry, requested }) => [entry.name, requested])).toEqual([
      ['b', false],
      ['a', true],
    ])
  })

  it('takes the newest of a name, and an older one where only that fits', () => {
    const packages = {
      'a-1-1.noarch': { requires: ['b'] },
      'b-9-1.noarch': {},
      'b-10-1.noarch': {},
      'c-1-1.noarch': { requires: ['b < 10'] },
    }
    expect(rows(packages, 'a')).toEqual(['b-10-1.noarch', 'a-1-1.noarch'])
    expect(rows(packages, 'a', 'c')).toEqual(['b-9-1.noarch', 'a-1-1.noarch', 'c-1-1.noarch'])
  })

  it('takes the version that was asked for', () => {
    const packages = { 'a-1-1.noarch': { requires: ['b'] }, 'b-9-1.noarch': {}, 'b-10-1.noarch': {} }
    expect(rows(packages, 'a', 'b-9-1.noarch')).toEqual(['b-9-1.noarch', 'a-1-1.noarch'])
    expect(rows(packages, 'b', 'b-9-1.noarch')).toEqual(['b-9-1.noarch'])
  })

  it('takes the machine’s own arch, noarch, and 32-bit libraries only where nothing else will do', () => {
    const packages = {
      'app-1-1.x86_64': { requires: ['lib', 'lib(x86-32)'] },
      'lib-1-1.aarch64': {},
      'lib-1-1.i686': { provides: ['lib(x86-32)'] },
      'lib-1-1.x86_64': {},
    }
    expect(rows(packages, 'app').toSorted()).toEqual(['app-1-1.x86_64', 'lib-1-1.i686', 'lib-1-1.x86_64'])
    expect(rows({ 'a-1-1.noarch': { requires: ['b'] }, 'b-1-1.aarch64': {} }, 'a')).toEqual(['a-1-1.noarch'])
  })

  it('has one package of a name where all are TARs, which go to one folder', () => {
    const packages = { 'lib-1-1.x86_64': {}, 'lib-1-1.i686': {} }
    const wanted = ['lib-1-1.x86_64', 'lib-1-1.i686']
    expect(rowsOf(planOf('rpm', packages, wanted))).toHaveLength(2)
    const plan = planOf('tar', packages, wanted)
    expect(rowsOf(plan)).toEqual(['lib-1-1.x86_64'])
    expect(plan.unresolved).toMatchObject([{ requirement: 'lib-1-1.i686', requiredBy: '', reason: 'conflict' }])
  })

  it('prefers who bears the name to who only provides it', () => {
    const packages = {
      'a-1-1.noarch': { requires: ['mta'] },
      'aaa-9-1.noarch': { provides: ['mta'] },
      'mta-1-1.noarch': {},
    }
    expect(rows(packages, 'a')).toEqual(['mta-1-1.noarch', 'a-1-1.noarch'])
  })

  it('finds files, also where /bin and /usr/bin are one', () => {
    const packages = {
      'a-1-1.noarch': { requires: ['/usr/bin/perl6', '/bin/zsh', '/opt/x y'] },
      'perl6-1-1.noarch': { files: ['/usr/bin/perl6'] },
      'zsh-1-1.noarch': { files: ['/usr/bin/zsh'] },
      'xy-1-1.noarch': { files: ['/opt/x y'] },
      'other-1-1.noarch': { files: ['/usr/bin/perl', '/usr/bin/zsh5'] },
    }
    expect(rows(packages, 'a').toSorted()).toEqual([
      'a-1-1.noarch',
      'perl6-1-1.noarch',
      'xy-1-1.noarch',
      'zsh-1-1.noarch',
    ])
  })

  it('leaves to the node what is not there, once for each who needs it', () => {
    const packages = { 'a-1-1.noarch': { requires: ['libssl.so.3()(64bit)', 'b > 1', 'a = 1'] }, 'b-1-1.noarch': {} }
    expect(planOf('rpm', packages, ['a']).unresolved).toEqual([
      { requirement: 'libssl.so.3()(64bit)', requiredBy: 'a-1-1.noarch', reason: 'not-offered' },
      { requirement: 'b > 1', requiredBy: 'a-1-1.noarch', reason: 'not-offered' },
    ])
  })

  it('does not exchange the node’s base system, unless that is what was asked for', () => {
    const packages = {
      'a-1-1.x86_64': { requires: ['/bin/sh', 'libc.so.6(GLIBC_2.34)(64bit)', 'systemd', 'bash'] },
      'glibc-2.34-1.x86_64': { provides: ['libc.so.6(GLIBC_2.34)(64bit)'] },
      'bash-5-1.x86_64': { files: ['/bin/sh'] },
      'systemd-1-1.x86_64': {},
    }
    expect(rows(packages, 'a')).toEqual(['a-1-1.x86_64'])
    expect(open(packages, 'a')).toHaveLength(4)
    expect(new Set(planOf('rpm', packages, ['a']).unresolved.map(({ reason }) => reason))).toEqual(
      new Set(['node-system']),
    )
    expect(rows(packages, 'a', 'bash')).toEqual(['bash-5-1.x86_64', 'a-1-1.x86_64'])
    expect(open(packages, 'a', 'bash')).not.toContain('/bin/sh: node-system')
  })

  it('goes back to another provider where the first conflicts, and says so where all do', () => {
    const packages = {
      'a-1-1.noarch': { requires: ['web', 'tool'] },
      'apache-1-1.noarch': { provides: ['web'] },
      'zeus-1-1.noarch': { provides: ['web'] },
      'tool-1-1.noarch': { conflicts: ['apache < 2'] },
      'b-1-1.noarch': { requires: ['web'], conflicts: ['web'] },
    }
    // Both names are as long as their rank: zeus is shorter.
    expect(rows(packages, 'a')).toContain('zeus-1-1.noarch')
    expect(rows({ ...packages, 'tool-1-1.noarch': { conflicts: ['zeus'] } }, 'a')).toContain('apache-1-1.noarch')
    expect(rows(packages, 'b')).toEqual(['b-1-1.noarch'])
    expect(open(packages, 'b')).toEqual(['web: conflict'])
  })

  it('goes back over choices that had no part in the conflict', () => {
    const bystanders = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [
        [`side${i}-1-1.noarch`, { provides: [`s${i}`] }],
        [`side${i}x-1-1.noarch`, { provides: [`s${i}`] }],
      ]).flat() as [string, object][],
    )
    const packages = {
      'a-1-1.noarch': { requires: ['db', ...Array.from({ length: 30 }, (_, i) => `s${i}`), 'last'] },
      'db-2-1.noarch': {},
      'db-1-1.noarch': {},
      'last-1-1.noarch': { requires: ['db = 1'] },
      ...bystanders,
    }
    const found = rows(packages, 'a')
    expect(found).toContain('db-1-1.noarch')
    expect(found).not.toContain('db-2-1.noarch')
    expect(found).toHaveLength(33)
  })

  it('does not install what another chosen package obsoletes, by name only', () => {
    const packages = {
      'a-1-1.noarch': { requires: ['thing', 'new'] },
      'old-1-1.noarch': { provides: ['thing'] },
      'other-old-1-1.noarch': { provides: ['thing', 'old = 1'] },
      'new-1-1.noarch': { obsoletes: ['old < 2'] },
    }
    expect(rows(packages, 'a')).toContain('other-old-1-1.noarch')
    expect(rows(packages, 'a')).not.toContain('old-1-1.noarch')
  })

  it('is the same whatever the order in which packages were found', () => {
    const packages: [string, object][] = [
      ['a-1-1.noarch', { requires: ['x', 'b'] }],
      ['b-1-1.noarch', { requires: ['a', 'c'] }],
      ['c-1-1.noarch', { requires: ['a'] }],
      ['p-1-1.noarch', { provides: ['x'] }],
      ['q-1-1.noarch', { provides: ['x'] }],
    ]
    const orders = [packages, packages.toReversed(), packages.toSorted((m, n) => (m[0] < n[0] ? 1 : -1))]
    const plans = orders.map(order => rows(Object.fromEntries(order), 'a'))
    expect(plans[0]).toContain('p-1-1.noarch')
    expect(new Set(plans.map(String)).size).toBe(1)
  })
})

describe('the order of installation', () => {
  it('breaks a cycle where it matters least', () => {
    const packages = {
      'a-1-1.noarch': { requires: ['pre:b'] },
      'b-1-1.noarch': { requires: ['a'] },
      'c-1-1.noarch': { requires: ['d'] },
      'd-1-1.noarch': { requires: ['pre:c'] },
    }
    expect(rows(packages, 'a')).toEqual(['b-1-1.noarch', 'a-1-1.noarch'])
    expect(rows(packages, 'd')).toEqual(['c-1-1.noarch', 'd-1-1.noarch'])
  })

  it('follows OrderWithRequires among what is installed anyway', () => {
    const packages = { 'a-1-1.noarch': { after: ['z', 'absent'] }, 'z-1-1.noarch': {} }
    expect(rows(packages, 'a', 'z')).toEqual(['z-1-1.noarch', 'a-1-1.noarch'])
    expect(rows(packages, 'a')).toEqual(['a-1-1.noarch'])
  })
})

describe('rich dependencies', () => {
  const offers = { 'b-1-1.noarch': {}, 'c-1-1.noarch': {}, 'd-1-1.noarch': {} }
  const withA = (requires: string[], more: TestPackages = {}) => ({ 'a-1-1.noarch': { requires }, ...offers, ...more })

  it.each<[string, string[], string[]]>([
    ['(b or c)', ['a'], ['b', 'a']],
    ['(b or c)', ['c', 'a'], ['c', 'a']],
    ['(absent or c)', ['a'], ['c', 'a']],
    ['(b and c)', ['a'], ['b', 'c', 'a']],
    ['(b if d)', ['a', 'd'], ['b', 'd', 'a']],
    ['(b if absent)', ['a'], ['?b', 'a']],
    ['(b if d)', ['a'], ['?b', 'a']],
    ['(b if d else c)', ['a', 'd'], ['b', 'd', 'a']],
    ['(b unless d)', ['a', 'd'], ['d', 'a']],
    ['(b unless d)', ['a'], ['b', 'a']],
    ['(b unless d else c)', ['a', 'd'], ['c', 'd', 'a']],
    ['(b if (c and d))', ['a', 'c', 'd'], ['b', 'c', 'd', 'a']],
    ['(b if (c or d))', ['a', 'd'], ['b', 'd', 'a']],
    ['((b and c) or d)', ['a', 'd'], ['d', 'a']],
    ['(/bin/sh or b)', ['a'], ['a']],
  ])('%s with %j asked for gives %j', (requirement, wanted, expected) => {
    const found = rows(withA([requirement]), ...wanted).map(nevra => nevra.replace('-1-1.noarch', ''))
    expect(found.toSorted()).toEqual(expected.toSorted())
  })

  it('with and without look at one package', () => {
    const packages = withA(['(x >= 2 with x < 3)', '(y without flag)'], {
      'x1-1-1.noarch': { provides: ['x = 1'] },
      'x2-1-1.noarch': { provides: ['x = 2'] },
      'x3-1-1.noarch': { provides: ['x = 3'] },
      'y1-1-1.noarch': { provides: ['y', 'flag'] },
      'y2-1-1.noarch': { provides: ['y'] },
    })
    expect(rows(packages, 'a').toSorted()).toEqual(['a-1-1.noarch', 'x2-1-1.noarch', 'y2-1-1.noarch'])
  })

  it('wake up when what they depend on is chosen later', () => {
    const packages = withA(['(b if d)', 'e'], { 'e-1-1.noarch': { requires: ['d'] } })
    expect(rows(packages, 'a')).toContain('b-1-1.noarch')
  })

  it('name what decides, with everything that comes along', () => {
    const packages = withA(['(sel if policy)'], { 'sel-1-1.noarch': { requires: ['c'] } })
    const { packages: planned } = planOf('rpm', packages, ['a'])
    expect(planned.map(({ entry, when }) => [entry.name, when])).toEqual([
      ['c', 'policy'],
      ['sel', 'policy'],
      ['a', undefined],
    ])
  })

  it('that cannot be read are left to the node', () => {
    expect(open(withA(['(b and c or d)']), 'a')).toEqual(['(b and c or d): not-offered'])
  })
})

describe('any universe', () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const requirement = fc
    .tuple(fc.constantFrom(...names, 'virtual'), fc.constantFrom('', ' >= 2', ' < 2', ' = 1'))
    .map(([name, range]) => `${name}${range}`)
  const testPackage = fc.record({
    provides: fc.constantFrom<string[]>([], ['virtual'], ['virtual = 2']),
    requires: fc.array(requirement, { maxLength: 3 }),
    conflicts: fc.array(
      fc.constantFrom(...names).map(name => `${name} < 2`),
      { maxLength: 1 },
    ),
  })
  const universe = fc.record(
    Object.fromEntries(names.flatMap(name => [1, 2].map(version => [`${name}-${version}-1.noarch`, testPackage]))),
  ) as fc.Arbitrary<TestPackages>

  it('gives a plan that holds, and finds one wherever there is one', () => {
    fc.assert(
      fc.property(universe, packages => {
        const plan = planOf('rpm', packages, ['a-2-1.noarch'])
        const chosen = rowsOf(plan)
        expect(chosen).toContain('a-2-1.noarch')
        const gaveUp = plan.unresolved.some(({ reason }) => reason === 'conflict')
        expect(isSound(packages, chosen)).toBe(!gaveUp)
        if (gaveUp) expect(existsPlan(packages)).toBe(false)
      }),
      { numRuns: 150 },
    )
  })
})

/** The rules once more, as plainly as can be. */
function isSound(packages: TestPackages, chosen: readonly string[]): boolean {
  const parts = chosen.map(nevra => nevra.split('-'))
  if (new Set(parts.map(([name]) => name)).size < chosen.length) return false
  return chosen.every(nevra => {
    const { requires = [], conflicts = [] } = packages[nevra]!
    const holds = (text: string) => {
      const offered = Object.keys(packages).filter(other => provides(packages, other, text))
      return offered.length === 0 || offered.some(other => chosen.includes(other))
    }
    const name = nevra.split('-')[0]
    return (
      requires.every(holds) &&
      !conflicts.some(text => chosen.some(other => other.split('-')[0] !== name && provides(packages, other, text)))
    )
  })
}

function provides(packages: TestPackages, nevra: string, text: string): boolean {
  const [wanted, operator, bound] = text.split(' ')
  const [name, version] = nevra.split('-')
  const fits = (value: number | undefined) =>
    operator === undefined ||
    value === undefined ||
    (operator === '>=' ? value >= +bound! : operator === '<' ? value < +bound! : value === +bound!)
  if (name === wanted && fits(Number(version))) return true
  return (packages[nevra]!.provides ?? []).some(provided => {
    const [virtual, , value] = provided.split(' ')
    return virtual === wanted && fits(value === undefined ? undefined : Number(value))
  })
}

function existsPlan(packages: TestPackages): boolean {
  const all = Object.keys(packages).filter(nevra => nevra !== 'a-2-1.noarch')
  for (let bits = 0; bits < 1 << all.length; bits++) {
    if (isSound(packages, ['a-2-1.noarch', ...all.filter((_, i) => bits & (1 << i))])) return true
  }
  return false
}
