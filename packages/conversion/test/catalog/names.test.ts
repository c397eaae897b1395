import { describe, expect, it } from 'vitest'
import { archMatches, canonicalArch } from '../../src/catalog/arch.ts'
import type { CatalogEntry, PackageType } from '../../src/catalog/entry.ts'
import { NameIndex } from '../../src/catalog/name-index.ts'
import { nearNames } from '../../src/catalog/near.ts'
import { parseTarName } from '../../src/catalog/tar-name.ts'

type Fields = [name: string, evr: string, arch: string, file?: string, more?: Partial<CatalogEntry>]

function entry(type: PackageType, [name, evr, arch, file, more]: Fields): CatalogEntry {
  const [, epoch, version = '', release = ''] = /^(?:(\d+):)?([^-]*)(?:-(.*))?$/.exec(evr) ?? []
  const path =
    file ??
    (type === 'deb' ? `${name}_${version}-${release}_${arch}.deb` : `${name}-${version}-${release}.${arch}.${type}`)
  return {
    type,
    file: path,
    fileName: path.slice(path.lastIndexOf('/') + 1),
    name,
    epoch: epoch === undefined ? undefined : Number(epoch),
    version,
    release,
    arch,
    isSource: false,
    identity: { dev: '1', ino: '1', size: 1, mtimeNs: '1', ctimeNs: '1' },
    nevra: `${name}-${evr}.${arch}`,
    ...more,
  }
}

function indexOf(type: PackageType, ...all: Fields[]): NameIndex {
  const index = new NameIndex(type)
  for (const fields of all) index.add(entry(type, fields))
  return index
}

describe('an RPM resolves', () => {
  const index = indexOf(
    'rpm',
    ['foo', '1.0-9', 'x86_64'],
    ['foo', '1.0-10', 'x86_64'],
    ['foo', '1.0-10', 'aarch64'],
    ['foo-bar', '1:0.1-1', 'noarch'],
    ['foo-bar', '9-1', 'noarch'],
    ['libstdc++', '8.5.0~rc1^git2-18.el8', 'x86_64'],
    ['odd', '1-1', 'x86_64', 'deep/er/named by hand.rpm'],
    ['foo', '2-1', 'x86_64', 'foo-2-1.src.rpm', { isSource: true, nevra: 'foo-2-1.src' }],
  )

  it.each<[string, string | undefined]>([
    ['foo', 'foo-1.0-10.x86_64'],
    ['foo-1.0-9.x86_64.rpm', 'foo-1.0-9.x86_64'],
    ['foo-1.0-9.x86_64', 'foo-1.0-9.x86_64'],
    ['foo-1.0-9', 'foo-1.0-9.x86_64'],
    ['foo-0:1.0-9.x86_64', 'foo-1.0-9.x86_64'],
    ['foo-1.0-10', 'foo-1.0-10.x86_64'],
    ['foo-1.0', 'foo-1.0-10.x86_64'],
    ['foo.aarch64', 'foo-1.0-10.aarch64'],
    ['foo-bar', 'foo-bar-1:0.1-1.noarch'],
    ['foo-bar-1:0.1-1.noarch', 'foo-bar-1:0.1-1.noarch'],
    ['foo-bar-0.1-1.noarch', 'foo-bar-1:0.1-1.noarch'],
    ['foo-bar-1:0.1-1', 'foo-bar-1:0.1-1.noarch'],
    ['foo-bar-2:0.1-1', undefined],
    ['libstdc++', 'libstdc++-8.5.0~rc1^git2-18.el8.x86_64'],
    ['libstdc++-8.5.0~rc1^git2-18.el8.x86_64', 'libstdc++-8.5.0~rc1^git2-18.el8.x86_64'],
    ['named by hand.rpm', 'odd-1-1.x86_64'],
    ['odd-1-1.x86_64.rpm', 'odd-1-1.x86_64'],
    ['foo-2-1.src.rpm', 'foo-2-1.src'],
    ['foo-2-1', undefined],
    ['FOO', undefined],
    ['fo', undefined],
    ['', undefined],
    ['-', undefined],
  ])('%s → %s', (asked, expected) => {
    expect(index.resolve(asked, {})?.nevra).toBe(expected)
  })

  it('for one arch only where it is asked for, and for the default arch first where it is not', () => {
    expect(index.resolve('foo', { arch: 'arm64' })?.nevra).toBe('foo-1.0-10.aarch64')
    expect(index.resolve('foo', { arch: 'amd64' })?.nevra).toBe('foo-1.0-10.x86_64')
    expect(index.resolve('foo', { arch: 's390x' })).toBeUndefined()
    expect(index.resolve('foo-bar', { arch: 's390x' })?.arch).toBe('noarch')
    expect(index.resolve('foo', { defaultArch: 'aarch64' })?.arch).toBe('aarch64')
    expect(index.resolve('odd', { defaultArch: 'aarch64' })?.arch).toBe('x86_64')
    expect(index.resolve('foo-1.0-9.x86_64.rpm', { arch: 'aarch64' })).toBeUndefined()
  })

  it('to the same of two equal ones, whichever came first', () => {
    const two: Fields[] = [
      ['foo', '1-1', 'noarch', 'z/foo.rpm'],
      ['foo', '1-1', 'noarch', 'a/foo.rpm'],
      ['foo', '1-1', 'noarch', 'a/deeper/foo.rpm'],
    ]
    for (const order of [two, two.toReversed()]) {
      expect(indexOf('rpm', ...order).resolve('foo', {})?.file).toBe('a/foo.rpm')
    }
  })

  it('no longer once it is removed', () => {
    const changing = indexOf('rpm', ['foo', '1-1', 'noarch'], ['foo', '2-1', 'noarch'])
    changing.remove(entry('rpm', ['foo', '2-1', 'noarch']))
    expect(changing.resolve('foo', {})?.version).toBe('1')
    changing.remove(entry('rpm', ['foo', '1-1', 'noarch']))
    expect(changing.resolve('foo', {})).toBeUndefined()
    expect([...changing.spellings()]).toEqual([])
  })
})

describe('a DEB resolves', () => {
  const index = indexOf(
    'deb',
    ['foo', '1:1.0-1', 'amd64', 'foo_1.0-1_amd64.deb'],
    ['foo', '1:1.0~rc1-9', 'amd64', 'foo_1.0~rc1-9_amd64.deb'],
    ['libsigc++-2.0-0c2a', '2.4.0-1', 'arm64'],
  )

  it.each<[string, string | undefined]>([
    ['foo', 'foo-1:1.0-1.amd64'],
    ['foo_1.0-1_amd64.deb', 'foo-1:1.0-1.amd64'],
    ['foo_1:1.0-1_amd64', 'foo-1:1.0-1.amd64'],
    ['foo_1.0~rc1-9_amd64', 'foo-1:1.0~rc1-9.amd64'],
    ['foo=1:1.0~rc1-9', 'foo-1:1.0~rc1-9.amd64'],
    ['foo:amd64', 'foo-1:1.0-1.amd64'],
    ['libsigc++-2.0-0c2a', 'libsigc++-2.0-0c2a-2.4.0-1.arm64'],
    ['foo:arm64', undefined],
  ])('%s → %s', (asked, expected) => {
    expect(index.resolve(asked, {})?.nevra).toBe(expected)
  })
})

describe('a TAR is named', () => {
  it.each<[string, unknown]>([
    ['mypkg.tar.gz', ['mypkg', '', '', undefined, 'tar.gz']],
    ['my-own-tool.tgz', ['my-own-tool', '', '', undefined, 'tar.gz']],
    ['mypkg-1.0-2.tar.zst', ['mypkg', '1.0', '2', undefined, 'tar.zst']],
    ['mypkg-1.0-2.el9.x86_64.tar.xz', ['mypkg', '1.0', '2.el9', 'x86_64', 'tar.xz']],
    ['my-pkg-1.0-2.noarch.tar', ['my-pkg', '1.0', '2', 'noarch', 'tar']],
    ['mypkg.arm64.tar.bz2', ['mypkg', '', '', 'arm64', 'tar.bz2']],
    ['g++-1.0~rc1-2.tar.gz', ['g++', '1.0~rc1', '2', undefined, 'tar.gz']],
    ['my-2nd-tool.tar.gz', ['my-2nd-tool', '', '', undefined, 'tar.gz']],
    ['.tar.gz', undefined],
    ['mypkg.zip', undefined],
  ])('%s', (fileName, expected) => {
    const found = parseTarName(fileName)
    expect(found && [found.name, found.version, found.release, found.arch, found.tarFormat]).toEqual(expected)
  })
})

describe('near names', () => {
  const index = indexOf(
    'rpm',
    ['telegraf', '1.0-1', 'x86_64'],
    ['telegraf', '1.1-1', 'x86_64'],
    ['telnet', '1-1', 'noarch'],
    ['clusterware-node', '1-1', 'noarch'],
    ['bash', '1-1', 'noarch'],
  )

  it.each<[string, string[]]>([
    ['telegaf', ['telegraf']],
    ['Telegraf', ['telegraf']],
    ['telegraf-2.0-1', ['telegraf-1.1-1.x86_64', 'telegraf-1.0-1.x86_64', 'telegraf']],
    ['clusterware', ['clusterware-node']],
    ['tel', ['telegraf', 'telnet']],
    ['completely-different', []],
    ['b', []],
  ])('%s → %j', (asked, expected) => {
    expect(nearNames(index, asked)).toEqual(expected)
  })
})

describe('arches', () => {
  it('have one name each', () => {
    expect(['amd64', 'AMD64', 'x86_64', 'x64'].map(canonicalArch)).toEqual(Array(4).fill('x86_64'))
    expect(['arm64', 'aarch64', 'all', 'noarch', 's390x'].map(canonicalArch)).toEqual([
      'aarch64',
      'aarch64',
      'noarch',
      'noarch',
      's390x',
    ])
    expect(archMatches('all', 'riscv64')).toBe(true)
    expect(archMatches('amd64', 'x86_64')).toBe(true)
    expect(archMatches('amd64', 'arm64')).toBe(false)
  })
})
