import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ARCHES, aliasesOf, INSTALLERS, type InstallerName, OSES } from '../../services/api/src/installer/choices.ts'
import { ScriptSources } from '../../services/api/src/installer/script-source.ts'
import { servedOverride, servedScript } from '../../services/api/src/installer/served-script.ts'
import { tablesPart } from '../../services/api/src/installer/tables-part.ts'
import { findTool, requireTool } from '../support/requires.ts'

const SOURCES = resolve(import.meta.dirname, '../../services/api/installers')
const NAMES = Object.keys(INSTALLERS) as InstallerName[]
const SHELLS = [['dash'], ['bash', '--posix'], ['bash'], ['busybox', 'ash']]
const BLOCK = {
  baseUrl: 'http://10.10.1.4/api/v1/install/client',
  arch: 'x86_64',
  os: 'rhel',
  pkg: 'rpm',
  packages: ["it's", 'b'],
  packagesChosen: true,
  services: ['cw-status-updater'],
  servicesExpected: true,
  report: true,
  waitSeconds: 300,
  why: "it's\na test",
}

async function served(installer: InstallerName): Promise<string> {
  return servedScript({ ...BLOCK, installer }, await new ScriptSources().body(installer))
}

/** What shellcheck knows; Debian 12's does not know busybox yet. */
function dialects(): string[] {
  const known = spawnSync('shellcheck', ['-s', 'busybox', '-'], { input: 'true\n' }).status === 0
  if (!known) console.warn('this shellcheck is older than 0.10 and does not know busybox: sh and dash only')
  return known ? ['sh', 'dash', 'busybox'] : ['sh', 'dash']
}

async function statusOf(shell: ChildProcessWithoutNullStreams, input: string): Promise<number | null> {
  // It may end before it has read everything.
  shell.stdin.on('error', () => {})
  shell.stdin.end(input)
  shell.stdout.resume()
  shell.stderr.resume()
  const [status] = (await once(shell, 'close')) as [number | null]
  return status
}

describe('the scripts as nodes get them', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'diskful-scripts-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  describe.skipIf(!requireTool('shellcheck'))('shellcheck', () => {
    it('has nothing to say about the parts', () => {
      const files = [...globSync(join(SOURCES, 'parts/*.sh')), ...globSync(join(SOURCES, '*.sh'))]
      expect(files.length).toBeGreaterThan(15)
      // Alone, a part shows neither who sets its variables nor who reads them; the next test sees both. SC2015: where
      // `a && b || c` stands, c is meant for either.
      const args = ['-e', 'SC2015,SC2034,SC2153,SC2154', ...files]
      for (const dialect of dialects()) {
        const { stdout, status } = spawnSync('shellcheck', ['-s', dialect, ...args], { encoding: 'utf8' })
        expect(stdout, dialect).toBe('')
        expect(status).toBe(0)
      }
    })

    it.each(NAMES)('has nothing to say about %s, assembled', async name => {
      const file = join(folder, `${name}.sh`)
      writeFileSync(file, await served(name))
      for (const dialect of dialects()) {
        const { stdout } = spawnSync('shellcheck', ['-s', dialect, '-S', 'warning', '-e', 'SC2034', file], {
          encoding: 'utf8',
        })
        expect(stdout, dialect).toBe('')
      }
    })
  })

  it.each(NAMES)('%s: every shell reads it', async name => {
    const text = await served(name)
    for (const [shell, ...args] of SHELLS) {
      if (findTool(shell!) === undefined) continue
      const { stderr, status } = spawnSync(shell!, [...args, '-n'], { input: text, encoding: 'utf8' })
      expect(`${stderr}${status}`, shell).toBe('0')
    }
  })

  it('every row of the table: every shell reads it, and shellcheck what is its own', async () => {
    const rows = NAMES.flatMap(installer =>
      [...Object.keys(ARCHES), 'unknown'].flatMap(arch =>
        [...Object.keys(OSES), 'unknown'].map(os => ({ ...BLOCK, installer, arch, os, pkg: installer })),
      ),
    )
    const files = rows.map(async row => {
      const file = join(folder, `${row.installer}-${row.os}-${row.arch}.sh`)
      const text = servedScript(row, await new ScriptSources().body(row.installer))
      writeFileSync(file, text)
      // Below its block, the installer is the one that was looked at whole.
      const own = text.slice(0, text.indexOf('\n\n'))
      writeFileSync(`${file}.own`, `${own}\nmain() { :; }\nmain "$@"; exit; }\n`)
      return file
    })
    const written = await Promise.all(files)
    expect(written).toHaveLength(5 * 8 * 6)
    for (const [shell, ...args] of SHELLS) {
      if (findTool(shell!) === undefined) continue
      const each = 'for file; do "$@" -n "$file" || echo "$file"; done'
      const script = each.replace('"$@"', [shell, ...args].join(' '))
      const { stdout, stderr } = spawnSync('sh', ['-c', script, 'sh', ...written], { encoding: 'utf8' })
      expect(stderr + stdout, shell).toBe('')
    }
    if (!requireTool('shellcheck')) return
    for (const dialect of dialects()) {
      const args = ['-s', dialect, '-S', 'warning', '-e', 'SC2034', ...written.map(file => `${file}.own`)]
      expect(spawnSync('shellcheck', args, { encoding: 'utf8' }).stdout, dialect).toBe('')
    }
  })

  // generic is preinstaller under another name.
  it.each(NAMES.filter(name => name !== 'generic'))('%s: cut at any place it does nothing and fails', async name => {
    const text = await served(name)
    const traces = join(folder, `traces-${name}`)
    // Whatever a cut script may do first, it would begin with one of these.
    const traps = ['date', 'mktemp', 'mkdir', 'rm', 'id', 'curl', 'uname']
      .map(tool => `${tool}() { echo ${tool} >>'${traces}'; }`)
      .join('\n')
    const cuts = new Set<number>()
    for (let at = 40; at < text.length - 1; at += 200) cuts.add(at)
    for (let at = text.length - 30; at < text.length - 1; at++) cuts.add(at)
    const inBraces = text.indexOf('\n{\n') + 2
    const [shell, ...args] = SHELLS[0]!
    const left = cuts.values()
    const lane = async () => {
      for (const at of left) {
        const status = await statusOf(spawn(shell!, args), `${traps}\n${text.slice(0, at)}`)
        expect(status, `cut at ${at}: ${JSON.stringify(text.slice(at - 20, at))}`).toBe(at < inBraces ? 0 : 2)
      }
    }
    await Promise.all(Array.from({ length: 4 }, lane))
    expect(() => readFileSync(traces)).toThrow(/ENOENT/)
  })

  it('cut just before its end, it does nothing in bash and busybox either', async () => {
    const text = await served('rpm')
    for (const [shell, ...args] of SHELLS.slice(1)) {
      for (const at of [1000, text.length - 3, text.length - 8, text.length - 15, text.length - 22]) {
        const { stdout, status } = spawnSync(shell!, [...args], { input: text.slice(0, at), encoding: 'utf8' })
        expect(stdout).toBe('')
        expect(status, `${shell} at ${at}`).toBe(2)
      }
    }
  })

  it('is whole: `--help` works, lists every exit code once, and touches nothing', async () => {
    for (const name of NAMES) {
      const script = join(folder, name)
      writeFileSync(script, await served(name))
      for (const [shell, ...args] of SHELLS) {
        if (findTool(shell!) === undefined) continue
        const text = execFileSync(shell!, [...args, script, '--help'], { encoding: 'utf8' })
        expect(text).toContain('--dry-run')
        expect(text.match(/^ +\d+ {2}\S/gm)?.length).toBe(21)
        expect(text).not.toContain('unexpected')
      }
    }
  })

  it('keeps exit codes apart, and out of the shell’s own', () => {
    const table = readFileSync(join(SOURCES, 'parts/exit-codes.sh'), 'utf8')
    const codes = [...table.matchAll(/^(E_[A-Z_]+)=(\d+)$/gm)].map(([, , code]) => Number(code))
    expect(new Set(codes).size).toBe(codes.length)
    for (const code of codes) expect(code === 0 || (code >= 10 && code < 126)).toBe(true)
    const listed = /ALL_EXIT_CODES="([^"]*)"/s.exec(table)![1]!
    for (const [, name] of table.matchAll(/^(E_[A-Z_]+)=/gm)) expect(listed).toContain(`$${name}`)
  })

  it('quotes what the head node says, whatever it is', async () => {
    const values = ["'; touch /tmp/x; '", '$(id)', '`id`', 'a\\b', '"', 'x\ny', '%s', '!!', '*']
    const block = { ...BLOCK, installer: 'rpm' as const, packages: values, services: ["a'b"] }
    const text = servedScript(block, ['main() { printf "%s|%s" "$SERVED_PACKAGES" "$SERVED_SERVICES"; }'].join('\n'))
    for (const [shell, ...args] of SHELLS) {
      if (findTool(shell!) === undefined) continue
      const { stdout } = spawnSync(shell!, [...args], { input: text, encoding: 'utf8' })
      expect(stdout).toBe(`${values.join(' ').replace('\n', '?')}|a'b`)
    }
  })

  it('its checksum line is that of what follows it', async () => {
    const text = await served('deb')
    const [head, sum, below] = /^([\s\S]*?^# sha256 of all lines below this one: ([0-9a-f]{64})\n)([\s\S]*)$/m
      .exec(text)!
      .slice(1)
    expect(head!.split('\n').length).toBeLessThan(7)
    expect(execFileSync('sha256sum', { input: below!, encoding: 'utf8' })).toBe(`${sum}  -\n`)
  })

  it('a saved and edited copy works as an override', async () => {
    const saved = (await served('tar')).replace('main() {', 'main() {\n  : edited')
    const again = servedOverride({ ...BLOCK, installer: 'tar', baseUrl: 'http://[fe80::1]:8080/x' }, saved)
    expect(again.match(/^SERVED_BASE_URL=/gm)).toHaveLength(1)
    expect(again.match(/^# sha256 of all lines/gm)).toHaveLength(1)
    expect(again).toContain("SERVED_BASE_URL='http://[fe80::1]:8080/x'")
    expect(again).toContain(': edited')
    const { status, stderr } = spawnSync('dash', ['-n'], { input: again, encoding: 'utf8' })
    expect(`${stderr}${status}`).toBe('0')
  })

  it('the table says the same in shell as on the head node', async () => {
    const words = [
      ...Object.entries(ARCHES).map(([name, row]) => ['canonical_arch', name, row] as const),
      ...Object.entries(OSES).map(([name, row]) => ['canonical_os', name, aliasesOf(row)] as const),
    ].flatMap(([tool, name, aliases]) =>
      [name, ...aliases, name.toUpperCase()].map(word => [tool, word, name] as const),
    )
    const calls = words.map(([tool, word]) => `${tool} '${word}'`).join('\n')
    for (const [shell, ...args] of SHELLS) {
      if (findTool(shell!) === undefined) continue
      const script = `${tablesPart()}\n${calls}\ncanonical_os 'glenda'\ncanonical_arch ''\n`
      const { stdout } = spawnSync(shell!, args, { input: script, encoding: 'utf8' })
      expect(stdout.trim().split('\n')).toEqual([...words.map(([, , name]) => name), 'unknown', 'unknown'])
    }
  })

  it('names every part that exists, and no other', () => {
    const parts = globSync(join(SOURCES, 'parts/*.sh')).map(file => basename(file, '.sh'))
    const scripts = globSync(join(SOURCES, '*.sh')).map(file => readFileSync(file, 'utf8'))
    const used = new Set(scripts.flatMap(text => /^# parts: (.+)$/m.exec(text)![1]!.split(' ')))
    used.delete('tables')
    expect([...used].sort()).toEqual(parts.sort())
  })
})
