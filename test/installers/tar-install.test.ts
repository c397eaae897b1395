import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { requireRoot, requireTool } from '../support/requires.ts'
import { quick } from './tar-support/crash.ts'
import { buildRpm, convert } from './tar-support/fixtures.ts'
import { installLog, installTars, runScript, tarInstaller } from './tar-support/installer.ts'
import { closeRoots, freshRoot, openRoots, ROOT_KINDS } from './tar-support/roots.ts'
import { differences, readTree } from './tar-support/tree.ts'

const able = requireRoot() && ['rpmbuild', 'busybox', 'dash', 'bash', 'tar', 'getcap'].every(requireTool)
const OUTSIDE = { without: [/^\/(root|tmp|var\/tmp|var\/lib|opt)$/, '/scripts.log', /^\/etc\/(passwd|group)$/] }

describe.skipIf(!able).each(ROOT_KINDS)('the TAR installer, on a node with %s', kind => {
  let folder: string
  let script: string
  let crash: string[]
  let everything: string
  let scripted: string
  let root: string

  beforeAll(async () => {
    folder = openRoots()
    script = quick(await tarInstaller())
    const tar = (name: string, step: number) =>
      convert(join(folder, 'tars'), buildRpm(join(folder, 'rpms'), name, step))
    crash = [tar('crash', 1), tar('crash', 2)]
    everything = tar('everything', 1)
    scripted = tar('scripted', 1)
  })
  afterAll(() => closeRoots(folder))
  beforeEach(() => {
    if (root) rmSync(root, { recursive: true, force: true })
    root = freshRoot(kind, folder)
  })

  const install = (tars: readonly string[], ...options: string[]) => installTars(root, script, tars, ...options)
  const at = (path: string) => join(root, path)
  const outside = () => readTree(root, OUTSIDE)

  it('enables what the scriptlets name, once, and does nothing the second time', () => {
    expect(install([crash[0]!])).toMatchObject({
      code: 0,
      output: expect.stringContaining('1 installed (crash-1.0-1)'),
    })
    const wanted = at('etc/systemd/system/multi-user.target.wants/crash-1.service')
    expect(lstatSync(wanted).isSymbolicLink()).toBe(true)
    const before = readTree(root, { without: [/^\/(root|tmp|var)$/] })
    expect(install([crash[0]!])).toMatchObject({ code: 0, output: expect.stringContaining('installed already') })
    expect(differences(before, readTree(root, { without: [/^\/(root|tmp|var)$/] }))).toEqual([])
    expect(readFileSync(at('scripts.log'), 'utf8')).toBe('pre-1 1\npost-1 1\n')
  })

  it('removes nothing that was not named', () => {
    expect(runScript(root, script, ['--uninstall'])).toMatchObject({
      code: 20,
      output: expect.stringContaining('needs the names'),
    })
  })

  it('installs again what is no longer whole', () => {
    install([crash[0]!])
    rmSync(at('usr/lib/crash/two'))
    writeFileSync(at('usr/bin/crash'), 'damaged\n')
    expect(runScript(root, script, ['--verify', 'crash'])).toMatchObject({
      code: 46,
      output: expect.stringContaining('missing     /usr/lib/crash/two'),
    })
    expect(install([crash[0]!])).toMatchObject({ code: 0, output: expect.stringContaining('not whole') })
    expect(readFileSync(at('usr/bin/crash'), 'utf8')).toBe('version 1\n')
    expect(runScript(root, script, ['--verify']).code).toBe(0)
  })

  it('says in a dry run what it would do, and changes nothing', () => {
    const before = readTree(root, { without: ['/root'] })
    const run = install([crash[0]!], '--dry-run')
    expect(run).toMatchObject({ code: 0, output: expect.stringContaining('new       /usr/bin/crash') })
    expect(run.output).toContain('run       %post (/bin/sh) 1')
    expect(run.output).toContain('enable    crash-1.service')
    expect(differences(before, readTree(root, { without: ['/root'] }))).toEqual([])
  })

  it('works under umask 077 and leaves the modes of the package', () => {
    copyFileSync(crash[0]!, at('root/crash.tar.gz'))
    expect(runScript(root, script, ['--file=/root/crash.tar.gz'], '077').code).toBe(0)
    for (const path of ['usr/lib/crash', 'etc/crash', 'opt', 'opt/scyld', 'usr/lib/systemd']) {
      expect((statSync(at(path)).mode & 0o777).toString(8), path).toBe('755')
    }
    expect((statSync(at('usr/bin/crash-suid')).mode & 0o7777).toString(8)).toBe('4755')
  })

  it('works where nothing in /tmp may be executed', () => {
    const folders = ['tmp', 'var/tmp'].map(at)
    for (const path of folders) execFileSync('mount', ['-t', 'tmpfs', '-o', 'noexec,mode=1777', 'tmpfs', path])
    try {
      expect(install([crash[0]!])).toMatchObject({ code: 0, output: expect.stringContaining('1 installed') })
    } finally {
      for (const path of folders) execFileSync('umount', [path])
    }
    expect(readFileSync(at('scripts.log'), 'utf8')).toBe('pre-1 1\npost-1 1\n')
  })

  it('starts nothing with a systemd that knows no SYSTEMD_OFFLINE, as RHEL 7 has', () => {
    mkdirSync(at('run/systemd/system'), { recursive: true })
    writeFileSync(
      at('usr/bin/systemctl'),
      '#!/bin/sh\n[ "$1" != --version ] || { echo "systemd 219"; exit 0; }\necho "$*" >>/systemctl.log\n',
      { mode: 0o755 },
    )
    // What a namespace of mounts starts from is a mount.
    execFileSync('mount', ['--bind', root, root])
    try {
      for (const tar of crash) expect(install([tar])).toMatchObject({ code: 0 })
      const calls = () => readFileSync(at('systemctl.log'), 'utf8').trim().split('\n')
      expect(calls()).toEqual(expect.arrayContaining(['enable crash-1.service', 'enable crash-2.service']))
      expect(calls().filter(call => /start/.test(call))).toEqual([])
      expect(readFileSync(at('usr/bin/systemctl'), 'utf8')).toContain('219')
    } finally {
      execFileSync('umount', ['-l', root])
    }
  })

  it('refuses, before anything is changed, what belongs to others and differs', () => {
    mkdirSync(at('var/lib/dpkg/info'), { recursive: true })
    writeFileSync(at('var/lib/dpkg/info/theirs.list'), '/.\n/usr\n/usr/bin\n/usr/bin/crash\n')
    writeFileSync(at('usr/bin/crash'), 'of somebody else\n')
    const before = outside()
    expect(install([crash[0]!])).toMatchObject({
      code: 42,
      output: expect.stringContaining('/usr/bin/crash belongs to the package theirs (dpkg)'),
    })
    expect(differences(before, outside())).toEqual([])
    expect(existsSync(at('scripts.log'))).toBe(false)
    expect(install([crash[0]!], '--force-conflicts').code).toBe(10)
    expect(runScript(root, script, ['--uninstall', 'crash']).code).toBe(0)
    expect(readFileSync(at('usr/bin/crash'), 'utf8')).toBe('version 1\n')
  })

  it('changes nothing where /usr is read-only', () => {
    const before = outside()
    execFileSync('mount', ['--bind', at('usr'), at('usr')])
    execFileSync('mount', ['-o', 'remount,bind,ro', at('usr')])
    try {
      expect(install([crash[0]!])).toMatchObject({ code: 24, output: expect.stringContaining('nothing was changed') })
    } finally {
      execFileSync('umount', [at('usr')])
    }
    expect(differences(before, outside())).toEqual([])
    expect(existsSync(at('scripts.log'))).toBe(false)
    expect(install([crash[0]!]).code).toBe(0)
  })

  it('puts everything back where a file system is full half-way', () => {
    install([crash[0]!])
    mkdirSync(at('usr/lib/crash'), { recursive: true })
    const before = outside()
    // Room for what is there, and for nothing more.
    mkdirSync(at('small'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755,nr_inodes=5', 'tmpfs', at('small')])
    mkdirSync(at('small/crash'))
    execFileSync('cp', ['-a', at('etc/crash/keep'), at('small/crash/')])
    execFileSync('mount', ['--bind', at('small/crash'), at('etc/crash')])
    try {
      expect(install([crash[1]!])).toMatchObject({ code: 24, output: expect.stringContaining('as it was') })
    } finally {
      execFileSync('umount', [at('etc/crash')])
      execFileSync('umount', [at('small')])
      rmSync(at('small'), { recursive: true })
    }
    expect(differences(before, outside())).toEqual([])
    expect(install([crash[1]!]).code).toBe(0)
  })

  it('keeps directory symlinks and goes through them', () => {
    mkdirSync(at('data/crash'), { recursive: true })
    symlinkSync('/data/crash', at('usr/lib/crash'))
    expect(install([crash[0]!]).code).toBe(0)
    expect(lstatSync(at('usr/lib/crash')).isSymbolicLink()).toBe(true)
    expect(lstatSync(at('lib')).isSymbolicLink()).toBe(true)
    expect(readFileSync(at('data/crash/two'), 'utf8')).toBe('two of 1\n')
  })

  it('replaces a running program by a rename', () => {
    install([crash[0]!])
    const opened = statSync(at('usr/bin/crash')).ino
    execFileSync('ln', [at('usr/bin/crash'), at('root/still-open')])
    expect(install([crash[1]!]).code).toBe(0)
    expect(statSync(at('usr/bin/crash')).ino).not.toBe(opened)
    expect(readFileSync(at('root/still-open'), 'utf8')).toBe('version 1\n')
  })

  it('reports a scriptlet without an interpreter, and Lua, instead of passing over them', () => {
    const run = install([scripted])
    expect(run).toMatchObject({ code: 10, output: expect.stringContaining("rpm's built-in Lua") })
    expect(run.output).toContain('/usr/bin/no-such-interpreter is not on this node')
    expect(readFileSync(at('scripts.log'), 'utf8')).toBe('pre with arguments -e 1\n')
    expect(existsSync(at('usr/share/scripted'))).toBe(true)
  })

  it('lays down no file after a failed pre script', () => {
    writeFileSync(at('fail-pre'), '')
    const before = outside()
    expect(install([scripted])).toMatchObject({
      code: 43,
      output: expect.stringContaining('none of its files was laid down'),
    })
    expect(differences(before, outside())).toEqual([])
  })

  it('gives capabilities, or says that it could not', () => {
    const run = install([everything])
    if (kind === 'busybox') expect(run.output + installLog(root)).toContain('this node has no setcap')
    else
      expect(execFileSync('getcap', [at('usr/bin/everything-caps')], { encoding: 'utf8' })).toContain('cap_net_raw=ep')
    expect(run.output).toContain('has triggers, which are not run (in something-else)')
    expect(run.output).toContain('no setuid or setgid bit for an owner that does not exist (stranger:stranger)')
  })

  it('leaves out capabilities and devices of an owner that does not exist, and says so', () => {
    const run = install([scripted])
    expect(run.output).toContain('no capabilities (cap_net_raw=ep) for an owner that does not exist (stranger:root)')
    expect(run.output).toContain('a device for an owner that does not exist (root:stranger); it is left out')
    expect(execFileSync('getcap', [at('usr/share/scripted-capable')], { encoding: 'utf8' })).toBe('')
    expect(existsSync(at('usr/share/scripted-null'))).toBe(false)
  })

  it("installs an admin's own TAR by copying ./pkg and running its post script", () => {
    const made = join(folder, 'own')
    rmSync(made, { recursive: true, force: true })
    mkdirSync(join(made, 'pkg/etc'), { recursive: true })
    mkdirSync(join(made, 'pkg/usr/bin'), { recursive: true })
    mkdirSync(join(made, 'pkg/scripts'))
    writeFileSync(join(made, 'README'), 'in the home\n')
    writeFileSync(join(made, 'pkg/etc/own.conf'), 'delivered\n')
    writeFileSync(join(made, "pkg/usr/bin/it's own"), 'tool\n')
    chmodSync(join(made, 'pkg/usr'), 0o700)
    writeFileSync(join(made, 'pkg/scripts/post.sh'), 'echo "own post $1" >>/scripts.log\n')
    execFileSync('tar', ['-czf', join(folder, 'own-1.5-2.x86_64.tar.gz'), '-C', made, '.'])
    const usr = statSync(at('usr')).mode
    expect(install([join(folder, 'own-1.5-2.x86_64.tar.gz')])).toMatchObject({
      code: 0,
      output: expect.stringContaining('1 installed (own-1.5-2)'),
    })
    expect(readFileSync(at("usr/bin/it's own"), 'utf8')).toBe('tool\n')
    expect(readFileSync(at('opt/scyld/own/README'), 'utf8')).toBe('in the home\n')
    expect(readFileSync(at('scripts.log'), 'utf8')).toBe('own post 1\n')
    expect(statSync(at('usr')).mode).toBe(usr)
    writeFileSync(at('etc/own.conf'), 'edited\n')
    expect(runScript(root, script, ['--uninstall', 'own']).code).toBe(0)
    expect(existsSync(at("usr/bin/it's own"))).toBe(false)
    expect(readFileSync(at('etc/own.conf.rpmsave'), 'utf8')).toBe('edited\n')
  })

  it.each([
    ['an absolute name', ['--transform', 's,^x$,/etc/evil,', '-P', 'x']],
    ['a name with ..', ['--transform', 's,^x$,a/../../evil,', '-P', 'x']],
    ['a file behind a link', ['--transform', 's,^x$,l/evil,', 'l', 'x']],
    ['a hard link out of the tree', ['--transform', 's,^x$,/etc/passwd,RSh', '-P', 'x', 'h']],
  ])('refuses a TAR with %s before it unpacks', (_what, args) => {
    const made = join(folder, 'evil')
    rmSync(made, { recursive: true, force: true })
    mkdirSync(made)
    writeFileSync(join(made, 'x'), 'evil\n')
    execFileSync('ln', [join(made, 'x'), join(made, 'h')])
    symlinkSync('/etc', join(made, 'l'))
    execFileSync('tar', ['-czf', join(folder, 'evil-1-1.tar.gz'), '-C', made, ...args])
    const before = outside()
    expect(install([join(folder, 'evil-1-1.tar.gz')])).toMatchObject({
      code: 32,
      output: expect.stringContaining('is refused'),
    })
    expect(differences(before, outside())).toEqual([])
    expect(existsSync(at('opt/scyld/.evil.new'))).toBe(false)
  })

  it('notices a TAR whose content is not what it says', () => {
    const made = join(folder, 'changed')
    rmSync(made, { recursive: true, force: true })
    mkdirSync(made)
    execFileSync('tar', ['-xzf', crash[0]!, '-C', made])
    writeFileSync(join(made, 'pkg/usr/bin/crash'), 'version X\n')
    execFileSync('tar', ['-czf', join(folder, 'crash-x.tar.gz'), '-C', made, '.'])
    expect(install([join(folder, 'crash-x.tar.gz')])).toMatchObject({
      code: 32,
      output: expect.stringContaining('does not fit its own checksums'),
    })
    expect(existsSync(at('usr/bin/crash'))).toBe(false)
  })

  it('does nothing when it is cut anywhere', () => {
    const before = outside()
    for (let length = 3000; length < script.length - 20; length += 9973) {
      expect(runScript(root, script.slice(0, length), ['--file=/root/x']).code, `cut at ${length}`).not.toBe(0)
    }
    expect(differences(before, outside())).toEqual([])
  })

  it('lays down 3,000 files in seconds', { timeout: 120_000 }, () => {
    const made = join(folder, 'many')
    mkdirSync(made, { recursive: true })
    for (let at = 0; at < 3000; at += 1) {
      const into = join(made, `pkg/usr/lib/many/${at % 60}`)
      if (at < 60) mkdirSync(into, { recursive: true })
      writeFileSync(join(into, `file-${at}`), `content ${at}\n`)
    }
    execFileSync('tar', ['-czf', join(folder, 'many-1-1.tar.gz'), '-C', made, '.'])
    const begin = performance.now()
    expect(install([join(folder, 'many-1-1.tar.gz')]).code).toBe(0)
    const seconds = (performance.now() - begin) / 1000
    console.log(`3,000 files under ${kind}: ${seconds.toFixed(1)} s`)
    expect(seconds).toBeLessThan(30)
    expect(readFileSync(at('usr/lib/many/59/file-2999'), 'utf8')).toBe('content 2999\n')
  })
})
