import { describe, expect, it } from 'vitest'
import { planOf, rowsOf, type TestPackages } from '../support/offers.ts'

const rows = (packages: TestPackages, ...wanted: string[]) => rowsOf(planOf('deb', packages, wanted, 'amd64'))
const open = (packages: TestPackages, ...wanted: string[]) =>
  planOf('deb', packages, wanted, 'amd64').unresolved.map(({ requirement, reason }) => `${requirement}: ${reason}`)

describe('a plan of DEBs', () => {
  it('follows Depends by Debian’s order of versions', () => {
    const packages = {
      app_1_all: { requires: ['lib (>= 1.0)'] },
      'lib_1.0~rc1_amd64': {},
      'lib_1.0-1_amd64': {},
      'lib_1.0-1_arm64': {},
    }
    expect(rows(packages, 'app')).toEqual(['lib_1.0-1_amd64', 'app_1_all'])
    const { 'lib_1.0-1_amd64': _, ...rest } = packages
    expect(open(rest, 'app')).toEqual(['lib (>= 1.0): not-offered'])
  })

  it('takes the first alternative that is offered, or one that is installed anyway', () => {
    const packages = {
      a_1_all: { requires: ['absent | b | c'] },
      b_1_all: {},
      c_1_all: {},
    }
    expect(rows(packages, 'a')).toEqual(['b_1_all', 'a_1_all'])
    expect(rows(packages, 'c', 'a')).toEqual(['c_1_all', 'a_1_all'])
  })

  it('lets Provides fulfil, with a version only where it has one', () => {
    const packages = {
      a_1_all: { requires: ['mail-transport-agent'] },
      b_1_all: { requires: ['virtual (>= 2)'] },
      postfix_3_amd64: { provides: ['mail-transport-agent', 'virtual'] },
      other_3_amd64: { provides: ['virtual (= 2.5)'] },
    }
    expect(rows(packages, 'a')).toEqual(['postfix_3_amd64', 'a_1_all'])
    expect(rows(packages, 'b')).toEqual(['other_3_amd64', 'b_1_all'])
  })

  it('installs what Pre-Depends names first, also in a cycle', () => {
    const packages = { a_1_all: { requires: ['pre:b'] }, b_1_all: { requires: ['a'] } }
    expect(rows(packages, 'a')).toEqual(['b_1_all', 'a_1_all'])
    expect(rows(packages, 'b')).toEqual(['b_1_all', 'a_1_all'])
  })

  it('keeps to Conflicts and Breaks, virtual names and its own excepted', () => {
    const packages = {
      a_1_all: { requires: ['x', 'tool'] },
      y_1_all: { provides: ['x'], conflicts: ['x'] },
      zz_1_all: { provides: ['x'], conflicts: ['x'] },
      tool_1_all: { conflicts: ['y (<< 2)'] },
    }
    expect(rows(packages, 'a').toSorted()).toEqual(['a_1_all', 'tool_1_all', 'zz_1_all'])
  })

  it('understands :any and an arch after the colon', () => {
    const packages = {
      a_1_amd64: { requires: ['python3:any', 'cross:arm64'] },
      'python3_3.11_arm64': { multiArch: 'allowed' },
      cross_1_arm64: {},
      cross_1_amd64: {},
    }
    expect(rows(packages, 'a').toSorted()).toEqual(['a_1_amd64', 'cross_1_arm64', 'python3_3.11_arm64'])
    expect(rows({ ...packages, 'python3_3.11_amd64': {} }, 'a')).toContain('python3_3.11_amd64')
  })

  it('leaves libc, dpkg and debconf to the node', () => {
    const packages = {
      a_1_amd64: { requires: ['libc6 (>= 2.36)', 'debconf (>= 0.5) | debconf-2.0'] },
      'libc6_2.40_amd64': {},
      cdebconf_1_amd64: { provides: ['debconf-2.0'] },
    }
    expect(rows(packages, 'a')).toEqual(['a_1_amd64'])
    expect(open(packages, 'a')).toEqual(['libc6 (>= 2.36): node-system', 'debconf (>= 0.5) | debconf-2.0: node-system'])
  })

  it('leaves a relation that cannot be read to dpkg', () => {
    expect(open({ a_1_all: { requires: ['b (~ 1)'] } }, 'a')).toEqual(['b (~ 1): not-offered'])
  })
})

describe('a plan of TARs', () => {
  it('is made of RPMs, and prefers an admin’s TAR of the name', () => {
    const packages: TestPackages = {
      'app-1-1.noarch': { requires: ['lib', 'other >= 2'] },
      'lib-2-1.x86_64': {},
      'lib-1-1.noarch': { type: 'tar' },
      'other-2-1.noarch': {},
    }
    const plan = planOf('tar', packages, ['app'])
    expect(plan.packages.map(({ entry }) => `${entry.type} ${entry.nevra}`)).toEqual([
      'tar lib-1-1.noarch',
      'rpm other-2-1.noarch',
      'rpm app-1-1.noarch',
    ])
  })
})
