import { describe, expect, it } from 'vitest'
import { formatNevra, parseNevra } from '../src/index.ts'

describe('a NEVRA', () => {
  it.each([
    [
      'bash-5.2.15-3.fc38.x86_64',
      { name: 'bash', epoch: undefined, version: '5.2.15', release: '3.fc38', arch: 'x86_64' },
    ],
    ['a-b-c-1:2-3.noarch', { name: 'a-b-c', epoch: 1, version: '2', release: '3', arch: 'noarch' }],
    ['a-0:2~rc1-3^git.src', { name: 'a', epoch: 0, version: '2~rc1', release: '3^git', arch: 'src' }],
  ])('%s is read and written', (text, nevra) => {
    expect(parseNevra(text)).toEqual(nevra)
    expect(formatNevra(nevra)).toBe(text)
  })

  it('is also read from a file name', () => {
    expect(parseNevra('x-1-2.i686.rpm')).toMatchObject({ name: 'x', arch: 'i686' })
  })

  it.each(['bash', 'bash-1.x86_64', '../x-1-2.i686', 'a/b-1-2.i686', '-1-2.i686', 'x-1-2', ''])(
    'is not read from %j',
    text => {
      expect(parseNevra(text)).toBeUndefined()
    },
  )
})
