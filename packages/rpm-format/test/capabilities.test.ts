import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireRoot, requireTool } from '../../../test/support/requires.ts'
import { encodeCapabilities } from '../src/capabilities.ts'

const hex = (text: string) => {
  const value = encodeCapabilities(text)
  return value === undefined ? undefined : Buffer.from(value, 'latin1').toString('hex')
}

const texts = [
  'cap_net_raw=ep',
  'cap_net_raw+ep',
  'cap_net_raw=p',
  '= cap_net_raw+ep',
  'cap_net_admin,cap_net_raw=ep',
  'cap_chown,cap_checkpoint_restore=eip',
  'cap_syslog=i',
  'CAP_KILL=ep',
  'cap_net_raw=ep cap_net_raw-p cap_net_raw+pi',
  'all=ep cap_sys_admin-ep',
  '=p cap_kill-p',
]

describe('capabilities as the kernel keeps them', () => {
  it('are 20 bytes, revision 2, little-endian', () => {
    expect(hex('cap_net_raw=ep')).toBe('0100000200200000000000000000000000000000')
    expect(hex('cap_net_raw=p')).toBe('0000000200200000000000000000000000000000')
    expect(hex('cap_chown,cap_bpf=eip')).toBe('0100000201000000010000008000000080000000')
  })

  it('can be explicitly none', () => {
    expect(hex('=')).toBe(`00000002${'00'.repeat(16)}`)
  })

  it.each(['cap_nonsense=ep', 'cap_net_raw', 'cap_net_raw=x', 'cap_net_raw*ep', '+ep', 'cap_kill=e cap_chown=p'])(
    'refuses %j',
    text => expect(hex(text)).toBeUndefined(),
  )

  describe.skipIf(!requireTool('setcap') || !requireTool('python3') || !requireRoot())('as setcap sets them', () => {
    let folder: string
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'diskful-caps-'))
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    it.each(texts)('%s', text => {
      const file = join(folder, 'file')
      writeFileSync(file, '')
      execFileSync('setcap', [text, file])
      const script = 'import os,sys; print(os.getxattr(sys.argv[1], "security.capability").hex())'
      expect(hex(text)).toBe(execFileSync('python3', ['-c', script, file]).toString().trim())
    })
  })
})
