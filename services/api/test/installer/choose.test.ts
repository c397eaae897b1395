import { describe, expect, it } from 'vitest'
import { choose } from '../../src/installer/choose.ts'
import { fromFacts, fromQuery } from '../../src/installer/request.ts'
import type { PackageType } from '../../src/ports.ts'

const stocked =
  (...types: PackageType[]) =>
  (type: PackageType) =>
    types.includes(type)
const everything = stocked('rpm', 'deb', 'tar')

describe('a GET', () => {
  it.each([
    ['', 'preinstaller'],
    ['packages=telegraf', 'preinstaller'],
    ['arch=x86_64&os=rhel&pkg=rpm', 'rpm'],
    ['arch=amd64&os=Rocky&pkg=RPM', 'rpm'],
    ['os=rhel', 'rpm'],
    ['os=centos&arch=x86_64', 'rpm'],
    ['os=debian', 'deb'],
    ['os=ubuntu&arch=arm64', 'deb'],
    ['os=sonic', 'deb'],
    ['os=cumulus', 'deb'],
    ['os=cumulus-linux&pkg=tar', 'tar'],
    ['pkg=tar', 'tar'],
    ['pkg=rpm', 'rpm'],
    ['pkg=deb&os=rhel', 'deb'],
    ['os=rhel&pkg=unknown&arch=unknown', 'rpm'],
    ['arch=unknown&pkg=rpm', 'rpm'],
    ['arch=x86_64', 'generic'],
    ['arch=riscv128', 'generic'],
    ['os=plan9', 'generic'],
    ['pkg=apk', 'generic'],
    ['os=plan9&pkg=apk', 'tar'],
    ['arch=unknown&os=unknown&pkg=unknown', 'tar'],
  ])('%s gets %s', (query, installer) => {
    const request = fromQuery(Object.fromEntries(new URLSearchParams(query)))
    expect(choose(request, everything)).toMatchObject({ installer })
  })

  it('keeps to the pkg that was asked for, stock or not', () => {
    for (const pkg of ['rpm', 'deb', 'tar'] as const) {
      expect(choose(fromQuery({ pkg, os: 'debian' }), stocked()).installer).toBe(pkg)
    }
  })

  it('goes by the stock where only the OS is given, down to TAR', () => {
    expect(choose(fromQuery({ os: 'debian' }), stocked('rpm', 'tar'))).toEqual({
      installer: 'tar',
      why: 'os=debian lives by deb, but the packages are not all here as DEB: TAR',
    })
    expect(choose(fromQuery({ os: 'rhel' }), stocked()).installer).toBe('tar')
  })
})

describe('a POST of what the pre-installer found', () => {
  it.each([
    ['arch=x86_64&os=rhel&pkg=rpm', everything, 'rpm'],
    ['arch=unknown&os=unknown&pkg=rpm', everything, 'rpm'],
    ['arch=x86_64&os=debian&pkg=deb', everything, 'deb'],
    ['arch=x86_64&os=debian&pkg=deb', stocked('rpm', 'tar'), 'tar'],
    ['arch=x86_64&os=sonic&pkg=deb', stocked('rpm', 'tar'), 'tar'],
    ['arch=x86_64&os=rhel&pkg=unknown', everything, 'rpm'],
    ['arch=x86_64&os=rhel&pkg=unknown&rpm=broken&dpkg=absent', everything, 'tar'],
    ['arch=x86_64&os=unknown&pkg=unknown', everything, 'tar'],
    ['', everything, 'tar'],
    ['arch=x86_64&os=debian&pkg=deb&asked_pkg=rpm', everything, 'rpm'],
    ['arch=x86_64&os=debian&pkg=deb&asked_pkg=unknown', everything, 'deb'],
  ])('%s', (form, stock, installer) => {
    const request = fromFacts(Object.fromEntries(new URLSearchParams(form)))
    expect(choose(request, stock).installer).toBe(installer)
  })

  it('never gets what would look and ask again', () => {
    for (const arch of ['x86_64', 'unknown', ''])
      for (const os of ['rhel', 'plan9', ''])
        for (const pkg of ['rpm', 'apk', '']) {
          expect(['rpm', 'deb', 'tar']).toContain(choose(fromFacts({ arch, os, pkg }), everything).installer)
        }
  })

  it('lets what was fixed beforehand win over what was found, except for a machine that was found', () => {
    const request = fromFacts({ arch: 'aarch64', asked_arch: 'x86_64', os: 'debian', asked_os: 'sonic' })
    expect(request.arch).toEqual({ state: 'known', value: 'aarch64' })
    expect(request.os).toEqual({ state: 'known', value: 'sonic' })
    expect(fromFacts({ arch: 'unknown', asked_arch: 'arm64' }).arch).toEqual({ state: 'known', value: 'aarch64' })
  })
})

describe('packages=', () => {
  it('takes names by commas and blanks, each once', () => {
    expect(fromQuery({ packages: ' a,b c,,a ' }).packages).toEqual(['a', 'b', 'c'])
    expect(fromQuery({ packages: ' , ' }).packages).toBeUndefined()
  })

  it.each(['../x', '-y', "a'b", 'a/b', '$(id)', 'a;b|c', `${'x'.repeat(201)}`])('refuses %s', packages => {
    expect(() => fromQuery({ packages })).toThrow(/package name/)
  })
})
