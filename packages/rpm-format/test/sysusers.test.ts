import { describe, expect, it } from 'vitest'
import type { Dependency } from '../src/index.ts'
import { parseSysusersLine, sysusers } from '../src/sysusers.ts'

const provide = (name: string, line: string): Dependency => ({
  name,
  operator: '=',
  version: Buffer.from(line).toString('base64'),
  flags: 8,
})

it('refuses more lines than any package has', () => {
  const provides = (count: number) =>
    Array.from({ length: count }, (_, k) => ({
      name: `user(u${k})`,
      operator: '=' as const,
      version: Buffer.from(`u u${k}`).toString('base64'),
      flags: 8,
    }))
  expect(sysusers(provides(10_000))).toHaveLength(10_000)
  expect(() => sysusers(provides(10_001))).toThrow(expect.objectContaining({ code: 'header-too-large' }))
})

describe('sysusers lines in provides', () => {
  it('come once each, groups before users before memberships', () => {
    const line = 'u demo 970 "The Demo" /var/lib/demo /sbin/nologin  '
    const lines = sysusers([
      provide('groupmember(demo/video)', 'm demo video'),
      provide('user(demo)', line),
      provide('group(demo)', line),
      provide('group(video)', 'g video 39'),
      { name: 'user(other)', operator: '', version: '', flags: 0 },
      { name: 'demo', operator: '=', version: '1-1', flags: 8 },
    ])
    expect(lines).toEqual([
      { type: 'g', name: 'video', id: '39', gecos: '', home: '', shell: '', line: 'g video 39' },
      {
        type: 'u',
        name: 'demo',
        id: '970',
        gecos: 'The Demo',
        home: '/var/lib/demo',
        shell: '/sbin/nologin',
        line: line.trim(),
      },
      { type: 'm', name: 'demo', id: 'video', gecos: '', home: '', shell: '', line: 'm demo video' },
    ])
  })

  it.each([
    ['u a - - -', ['a', '', '', '', '']],
    ['u! a 1:2 \'it is "a"\' /h', ['a', '1:2', 'it is "a"', '/h', '']],
    ['u a - "say \\"hi\\""', ['a', '', 'say "hi"', '', '']],
    ['u a - two\\ words', ['a', '', 'two words', '', '']],
    ['g a /usr/bin/x', ['a', '/usr/bin/x', '', '', '']],
  ])('%s', (line, [name, id, gecos, home, shell]) => {
    expect(parseSysusersLine(line)).toMatchObject({ name, id, gecos, home, shell, line })
  })

  it.each(['', 'r - 500-900', 'u', 'u -', 'x a'])('%j makes nobody', line => {
    expect(parseSysusersLine(line)).toBeUndefined()
  })
})
