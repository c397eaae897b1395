import { describe, expect, it } from 'vitest'
import { baseUrl, isHost } from '../../src/installer/base-url.ts'

const socket = { localAddress: '::ffff:10.10.1.4', localPort: 8080 }

describe('the address that a node is to come back to', () => {
  it.each([
    [{ publicUrl: 'https://head.example/x/', host: 'evil', socket, port: 1 }, 'https://head.example/x'],
    [{ publicUrl: undefined, host: '10.10.1.4', socket, port: 1 }, 'http://10.10.1.4'],
    [{ publicUrl: undefined, host: 'head:8080', socket, port: 1 }, 'http://head:8080'],
    [{ publicUrl: undefined, host: '[fd00::1]:80', socket, port: 1 }, 'http://[fd00::1]:80'],
    [{ publicUrl: undefined, host: undefined, socket, port: 1 }, 'http://10.10.1.4:8080'],
    [{ publicUrl: undefined, host: "x';id;'", socket, port: 1 }, 'http://10.10.1.4:8080'],
    [
      { publicUrl: undefined, host: 'a/b', socket: { localAddress: 'fe80::1%eth0', localPort: 80 }, port: 1 },
      'http://[fe80::1]',
    ],
    [{ publicUrl: undefined, host: undefined, socket: undefined, port: 8080 }, 'http://127.0.0.1:8080'],
  ])('%j', (facts, url) => {
    expect(baseUrl(facts)).toBe(url)
  })

  it.each([
    '',
    ' ',
    'a b',
    'a\nb',
    'a/b',
    'a@b',
    'a:0',
    'a:65536',
    'a:x',
    '-a',
    'a..b',
    '[::1',
    '[g]',
    '$(id)',
    '`a`',
    'a'.repeat(260),
  ])('takes %j for no host', host => {
    expect(isHost(host)).toBe(false)
  })

  it.each(['a', 'A-1.b_c', 'head.', '10.0.0.1:65535', '[::1]', '[::ffff:10.0.0.1]:1'])('takes %j for one', host => {
    expect(isHost(host)).toBe(true)
  })
})
