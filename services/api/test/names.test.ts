import { describe, expect, it } from 'vitest'
import { askedName, splitTarName } from '../src/downloads/asked-name.ts'
import { attachment } from '../src/http/content-disposition.ts'

describe('askedName', () => {
  it.each([
    ['clusterware-node', 'clusterware-node'],
    ['gcc-c++-14.2-1.x86_64.rpm', 'gcc-c++-14.2-1.x86_64.rpm'],
    ['libstdc%2B%2B', 'libstdc++'],
    ['0ad', '0ad'],
    ['_x', '_x'],
    ['a_1%3a2.0-1_amd64.deb', 'a_1:2.0-1_amd64.deb'],
    ['a_1%253a2.0-1_amd64.deb', 'a_1%3a2.0-1_amd64.deb'],
    ['kernel-6.1~rc1^git1-1.fc43', 'kernel-6.1~rc1^git1-1.fc43'],
  ])('%s → %s', (segment, name) => {
    expect(askedName(segment)).toEqual({ name, wantsChecksum: false })
  })

  it('takes .sha256 off', () => {
    expect(askedName('mypkg.tar.gz.sha256')).toEqual({ name: 'mypkg.tar.gz', wantsChecksum: true })
  })

  it.each(['', '.', '..', '..%2F..%2Fetc', '%2Fetc%2Fpasswd', 'a%00b', 'a%0Ab', '%', 'a%zz', 'a%ff', '-rf', '.hidden'])(
    '%j is no name',
    segment => {
      expect(askedName(segment)).toBeUndefined()
    },
  )

  it.each(['a%5Cb', 'a b', 'a%20b', 'a;b', "a'b", 'a"b', 'ä', '%C3%A4', 'a*', 'a?', '.sha256'])(
    '%j is no name',
    segment => {
      expect(askedName(segment)).toBeUndefined()
    },
  )

  it('has at most 255 characters', () => {
    expect(askedName('a'.repeat(255))?.name).toHaveLength(255)
    expect(askedName('a'.repeat(256))).toBeUndefined()
  })
})

describe('splitTarName', () => {
  it.each([
    ['mypkg', 'mypkg', undefined],
    ['mypkg.tar.gz', 'mypkg', 'tar.gz'],
    ['mypkg.tgz', 'mypkg', 'tar.gz'],
    ['mypkg.tar.zst', 'mypkg', 'tar.zst'],
    ['mypkg.tar', 'mypkg', 'tar'],
    ['mypkg.tar.xz', 'mypkg.tar.xz', undefined],
    ['my.tar', 'my', 'tar'],
  ])('%s → %s, %s', (name, base, format) => {
    expect(splitTarName(name)).toEqual({ base, format })
  })
})

describe('attachment', () => {
  it.each([
    ['a-1-1.x86_64.rpm', 'attachment; filename="a-1-1.x86_64.rpm"'],
    ['gcc-c++.rpm', 'attachment; filename="gcc-c++.rpm"'],
    ['a"b\\c.rpm', 'attachment; filename="a\\"b\\\\c.rpm"'],
    ['a_1%3a2.deb', `attachment; filename="a_1%3a2.deb"; filename*=UTF-8''a_1%253a2.deb`],
    ["ä'(1).tar", `attachment; filename="_'(1).tar"; filename*=UTF-8''%C3%A4%27%281%29.tar`],
    ['a\r\nSet-Cookie: x', `attachment; filename="a__Set-Cookie: x"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x`],
  ])('%j', (fileName, field) => {
    expect(attachment(fileName)).toBe(field)
  })
})
