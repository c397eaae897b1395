import { EnvironmentError } from '@diskful/conversion'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'

describe('readConfig', () => {
  it('has a default for everything', () => {
    expect(readConfig({})).toMatchObject({
      host: undefined,
      port: 8080,
      opsHost: '127.0.0.1',
      opsPort: 8081,
      clientPackages: ['clusterware-node'],
      enableServices: ['cw-status-updater'],
      servicesExpected: true,
      convertWaitMs: 300_000,
      gzipLevel: 3,
      shutdownMs: 30_000,
      cacheMinFreeShare: 0.1,
      maxWaiters: 20_000,
      publicUrl: undefined,
      redisUrl: undefined,
      accelRedirectPrefix: undefined,
    })
  })

  it('takes what is set; empty is unset', () => {
    const config = readConfig({
      PORT: '80',
      PUBLIC_URL: 'https://head.example:8443/diskful/',
      DEFAULT_ARCH: 'arm64',
      CLIENT_PACKAGES: 'clusterware-node, telegraf  clusterware-telegraf',
      ENABLE_SERVICES: '',
      ACCEL_REDIRECT_PREFIX: '/_diskful',
    })
    expect(config).toMatchObject({
      port: 80,
      publicUrl: 'https://head.example:8443/diskful',
      defaultArch: 'aarch64',
      clientPackages: ['clusterware-node', 'telegraf', 'clusterware-telegraf'],
      enableServices: ['cw-status-updater'],
      servicesExpected: false,
      accelRedirectPrefix: '/_diskful',
    })
    expect(readConfig({ CLIENT_PACKAGES: 'telegraf', ENABLE_SERVICES: 'telegraf' }).servicesExpected).toBe(true)
  })

  it('enables nothing where that is said', () => {
    expect(readConfig({ ENABLE_SERVICES: 'none' })).toMatchObject({ enableServices: [], servicesExpected: true })
  })

  it.each([
    ',',
    ' , ',
    '_x',
    '-y',
    '.z',
    'a$b',
    'a/b',
    'x'.repeat(201),
    Array.from({ length: 201 }, (_, i) => `p${i}`).join(),
  ])('CLIENT_PACKAGES=%s is no list that a plan can be asked for', names => {
    expect(() => readConfig({ CLIENT_PACKAGES: names })).toThrow('CLIENT_PACKAGES')
    expect(() => readConfig({ CLIENT_PACKAGES: names })).toThrow('1 to 200 names of packages')
  })

  it.each([',', 'a b;c', '-x'])('ENABLE_SERVICES=%s is no list', units => {
    expect(() => readConfig({ ENABLE_SERVICES: units })).toThrow('names of units')
  })

  it('tells everything that is wrong at once, with what was read and what is allowed', () => {
    const wrong = {
      PORT: '70000',
      OPS_PORT: 'x',
      PUBLIC_URL: 'ftp://x',
      CLIENT_PACKAGES: 'a;reboot',
      SHUTDOWN_SECONDS: '-1',
      GZIP_LEVEL: '13',
      ACCEL_REDIRECT_PREFIX: 'x/',
      DEFAULT_ARCH: '../x',
    }
    const read = () => readConfig(wrong)
    expect(read).toThrow(EnvironmentError)
    for (const [variable, value] of Object.entries(wrong)) expect(read).toThrow(`${variable}="${value}": must be `)
  })

  it.each(['http://x?y', 'http://user@x', 'javascript:alert(1)', 'x', 'http://a b'])('PUBLIC_URL=%s is none', url => {
    expect(() => readConfig({ PUBLIC_URL: url })).toThrow('PUBLIC_URL')
  })
})
