import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireRoot, requireTool } from '../support/requires.ts'
import { quick } from './tar-support/crash.ts'
import { buildRpm, convert, rpm } from './tar-support/fixtures.ts'
import { installTars, runScript, tarInstaller } from './tar-support/installer.ts'
import { closeRoots, freshRoot, openRoots, ROOT_KINDS } from './tar-support/roots.ts'
import { differences, readTree } from './tar-support/tree.ts'

const able = requireRoot() && ['rpm', 'rpmbuild', 'busybox', 'dash', 'bash'].every(requireTool)

/** docs/installers-tar.md gives the reasons. */
const NOT_COMPARED = {
  timesUntil: 1_700_000_000,
  without: ['/var/lib/rpm', '/var/lib/diskful', '/root', /^\/tmp\/CLUSTERWARE/, /^\/opt\/scyld\/[^/]*\/pkg$/],
}
const KEPT_LINK = ['/var/lib/everything', '/var/lib/everything/moved']

describe.skipIf(!able).each(ROOT_KINDS)('beside rpm itself, on a node with %s', kind => {
  let folder: string
  let script: string
  let rpms: string[]
  let tars: string[]
  let byRpm: string
  let byTar: string

  beforeAll(async () => {
    folder = openRoots()
    script = quick(await tarInstaller())
    rpms = [1, 2].map(step => buildRpm(join(folder, 'rpms'), 'everything', step))
    tars = rpms.map(path => convert(join(folder, 'tars'), path))
    byRpm = freshRoot(kind, folder)
    byTar = freshRoot(kind, folder)
  })
  afterAll(() => closeRoots(folder))

  const onBoth = (change: (root: string) => void) => [byRpm, byTar].forEach(change)
  const compared = () => differences(readTree(byRpm, NOT_COMPARED), readTree(byTar, NOT_COMPARED))
  const scriptsLog = (root: string) => readFileSync(join(root, 'scripts.log'), 'latin1')

  it('installs the same over what was there', () => {
    onBoth(somebodyWasHere)
    expect(rpm(byRpm, '-i', '--nodeps', rpms[0]!).code).toBe(0)
    expect(installTars(byTar, script, [tars[0]!]).code).toBe(10)
    expect(compared()).toEqual([])
    expect(scriptsLog(byTar)).toBe(scriptsLog(byRpm))
    expect(scriptsLog(byTar)).toContain('pre-1 1 1 / 0022 none /sbin:/bin:/usr/sbin:/usr/bin:/usr/X11R6/bin')
  })

  it('upgrades the same over what somebody changed', () => {
    onBoth(editConfiguration)
    expect(rpm(byRpm, '-U', '--nodeps', rpms[1]!).code).toBe(0)
    expect(installTars(byTar, script, [tars[1]!]).code).toBe(10)
    expect(compared()).toEqual([])
    expect(scriptsLog(byTar)).toBe(scriptsLog(byRpm))
    expect(scriptsLog(byTar)).toContain('preun-1 1 1 version 2')
  })

  it('verifies in the same words', () => {
    const said = (text: string) => text.split('\n').filter(line => line.includes('  c /'))
    const ours = said(runScript(byTar, script, ['--verify', 'everything']).output)
    expect(ours).toEqual(said(rpm(byRpm, '-V', '--nodeps', 'everything').output))
    expect(ours).toContain('S.5....T.  c /etc/everything/keep-same')
  })

  it('removes the same, a folder that somebody moved aside', () => {
    onBoth(root => {
      writeFileSync(join(root, 'etc/everything/plain-changed'), 'edited again\n')
      mkdirSync(join(root, 'var/log/everything-ghosts'), { recursive: true })
      writeFileSync(join(root, 'var/log/everything-ghosts/file'), 'made later')
    })
    expect(rpm(byRpm, '-e', '--nodeps', 'everything').code).toBe(0)
    expect(runScript(byTar, script, ['--uninstall', 'everything']).code).toBe(0)
    expect(compared().map(line => line.split(':')[0])).toEqual(KEPT_LINK)
    expect(scriptsLog(byTar)).toBe(scriptsLog(byRpm))
  })
})

function somebodyWasHere(root: string): void {
  for (const folder of ['etc/everything', 'data/moved', 'var/lib/everything', 'var/log']) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  for (const name of ['plain-same', 'keep-same']) writeFileSync(join(root, 'etc/everything', name), 'was here first\n')
  writeFileSync(join(root, 'usr/bin/everything'), 'foreign\n')
  symlinkSync('/data/moved', join(root, 'var/lib/everything/moved'))
}

function editConfiguration(root: string): void {
  const etc = join(root, 'etc/everything')
  const edited = [
    'plain-edited-same',
    'plain-edited-changed',
    'keep-edited-same',
    'keep-edited-changed',
    'ghost-config',
  ]
  const changing = ['becomes-config', 'becomes-plain', 'becomes-keep', 'gone-edited-1']
  for (const name of [...edited, ...changing]) writeFileSync(join(etc, name), 'edited\n')
  for (const name of ['plain-deleted', 'keep-deleted', 'missing-ok', 'config-link']) rmSync(join(etc, name))
  for (const kind of ['plain', 'keep']) writeFileSync(join(etc, `${kind}-edited-to-new`), 'of version 2\n')
  symlinkSync('mine', join(etc, 'config-link'))
  writeFileSync(join(root, 'opt/scyld/everything/etc/edited.conf'), 'edited\n')
  for (const name of ['usr/lib/everything/only-1/mine', 'opt/scyld/everything/etc/mine', 'var/log/everything.log']) {
    writeFileSync(join(root, name), 'mine\n')
  }
  writeFileSync(join(root, 'usr/bin/everything'), 'changed\n')
}
