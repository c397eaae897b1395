import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireRoot, requireTool } from '../support/requires.ts'
import { type CrashMode, crashable, quick } from './tar-support/crash.ts'
import { buildRpm, convert } from './tar-support/fixtures.ts'
import { installTars, type Run, runScript, tarInstaller } from './tar-support/installer.ts'
import { closeRoots, freshRoot, openRoots, ROOT_KINDS } from './tar-support/roots.ts'
import { differences, readTree, type Tree } from './tar-support/tree.ts'

const able = requireRoot() && ['rpmbuild', 'busybox', 'dash', 'bash'].every(requireTool)

/**
 * DISKFUL_CRASH=7 kills at every seventh command, other ones for each shell and action; DISKFUL_CRASH=all at every one,
 * and DISKFUL_CRASH=2/20 at the second of 20 shares of all.
 */
const [SHARE, EVERY] = sharesOf(process.env.DISKFUL_CRASH ?? '23')
const ACTIONS = ['install', 'upgrade', 'remove'] as const
type Action = (typeof ACTIONS)[number]

const NOT_COMPARED = {
  without: [
    /^\/(root|tmp|var\/tmp|var\/lib\/diskful)$/,
    /^\/crash-/,
    '/scripts.log',
    /receipt\.tsv$/,
    /^\/etc\/(passwd|group)$/,
  ],
}

describe.skipIf(!able).each(ROOT_KINDS)('killed at any command, on a node with %s', kind => {
  let folder: string
  let script: string
  let killed: string
  let tars: string[]
  const bases = new Map<Action, string>()

  beforeAll(async () => {
    folder = openRoots()
    const served = await tarInstaller()
    script = quick(served)
    killed = crashable(served)
    tars = [1, 2].map(step => convert(join(folder, 'tars'), buildRpm(join(folder, 'rpms'), 'crash', step)))
    const installed = freshRoot(kind, folder)
    bases.set('install', freshRoot(kind, folder)).set('upgrade', installed).set('remove', installed)
    expect(installTars(installed, script, [tars[0]!]).code).toBe(0)
    for (const name of ['plain', 'keep', 'gone-1']) writeFileSync(join(installed, 'etc/crash', name), 'edited\n')
    writeFileSync(join(installed, 'usr/lib/crash/mine'), 'mine\n')
  })
  afterAll(() => closeRoots(folder))

  it.each(ACTIONS)(
    '%s: the next run puts everything back or completes it',
    { timeout: 900_000 * Math.max(1, 23 / EVERY) },
    action => {
      const { before, after, commands } = uncut(action)
      expect(commands).toBeGreaterThan(20)
      const ends = { back: 0, forward: 0 }
      const first = SHARE ?? (ROOT_KINDS.indexOf(kind) + 3 * ACTIONS.indexOf(action)) % EVERY
      for (let at = 1 + first; at <= commands; at += EVERY) {
        ends[killedAt(action, at, 'half', before, after)] += 1
        if (existsSync(join(folder, 'case/crash-halved'))) ends[killedAt(action, at, 'before', before, after)] += 1
      }
      console.log(`${kind}, ${action}, ${commands} commands, every ${EVERY}. from ${1 + first} on:`, ends)
      // With few of them all may fall into one half.
      if (commands < 3 * EVERY) return
      expect(ends.back).toBeGreaterThan(0)
      expect(ends.forward).toBeGreaterThan(0)
    },
  )

  it.each(ACTIONS)(
    '%s: also when the next run is killed as well',
    { timeout: 900_000 * Math.max(1, 23 / EVERY) },
    action => {
      const { before, after, commands } = uncut(action)
      let twice = 0
      // Each of these is many runs.
      for (let at = 1 + (SHARE ?? 40 + 9 * ROOT_KINDS.indexOf(kind)); at <= commands; at += 6 * EVERY) {
        const root = caseRoot(action, at, 'before')
        expect(run(root, action, killed).code).toBe(128)
        // Somewhere in what it takes to recover, which is not known beforehand.
        for (let again = 1 + (at % 3); ; again += 3) {
          writeFileSync(join(root, 'crash-at'), `${again} half\n`)
          writeFileSync(join(root, 'crash-count'), '0\n')
          const recovering = runScript(root, killed, ['--recover'])
          if (recovering.code !== 128) {
            expect(recovering.code, recovering.output).toBe(0)
            break
          }
          twice += 1
        }
        const found = tree(root)
        const what = `killed before command ${at}`
        if (differences(after, found).length > 0) expect(differences(before, found), what).toEqual([])
        expect(run(root, action, script).code, what).toBe(0)
        expect(differences(after, tree(root)), what).toEqual([])
      }
      console.log(`${kind}, ${action}: ${twice} recoveries were killed`)
    },
  )

  /** What there is to compare with, and how many commands can be killed. */
  function uncut(action: Action): { before: Tree; after: Tree; commands: number } {
    const before = tree(bases.get(action)!)
    const whole = caseRoot(action, 0, 'before')
    expect(run(whole, action, killed).code).toBe(0)
    return { before, after: tree(whole), commands: Number(readFileSync(join(whole, 'crash-count'), 'utf8')) }
  }

  function killedAt(action: Action, at: number, mode: CrashMode, before: Tree, after: Tree): 'back' | 'forward' {
    const root = caseRoot(action, at, mode)
    expect(run(root, action, killed).code).toBe(128)
    const what = `${mode} command ${at}: ${readFileSync(join(root, 'crash-command'), 'latin1').slice(0, 200)}`
    const recovered = runScript(root, script, ['--recover'])
    expect(recovered.code, `${what}\n${recovered.output}`).toBe(0)
    const found = tree(root)
    const forward = differences(after, found).length === 0
    if (!forward) expect(differences(before, found), what).toEqual([])
    const again = run(root, action, script)
    expect(again.code, `${what}\n${again.output}`).toBe(0)
    expect(differences(after, tree(root)), what).toEqual([])
    return forward ? 'forward' : 'back'
  }

  function caseRoot(action: Action, at: number, mode: CrashMode): string {
    const root = join(folder, 'case')
    rmSync(root, { recursive: true, force: true })
    execFileSync('cp', ['-a', bases.get(action)!, root])
    writeFileSync(join(root, 'crash-at'), `${at} ${mode}\n`)
    writeFileSync(join(root, 'crash-count'), '0\n')
    return root
  }

  function run(root: string, action: Action, text: string): Run {
    if (action === 'remove') return runScript(root, text, ['--uninstall', 'crash'])
    return installTars(root, text, [tars[action === 'install' ? 0 : 1]!])
  }
})

function sharesOf(text: string): [number | undefined, number] {
  if (text === 'all') return [0, 1]
  const [share, of] = text.split('/').map(Number)
  return of === undefined ? [undefined, share!] : [share! - 1, of]
}

/** /opt/scyld itself, once made, stays; a lock of a dead process is the next run's. */
function tree(root: string): Tree {
  const found = readTree(root, NOT_COMPARED)
  if (existsSync(join(root, 'opt/scyld')) && [...found.keys()].filter(path => path.startsWith('/opt/')).length === 1) {
    for (const path of ['/opt', '/opt/scyld']) found.delete(path)
  }
  return found
}
