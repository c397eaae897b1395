import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireTool } from '../support/requires.ts'

const repo = resolve(import.meta.dirname, '../..')
const examples = join(repo, 'examples/clientpkgs/rpm')
const cli = join(repo, 'packages/rpm-format/src/cli.ts')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskful-parity-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Modes, owners, sizes, times, names and link targets, as one reader sees them. */
function listing(archive: string): string[] {
  const script = `
import sys, tarfile
for m in tarfile.open(sys.argv[1]):
    h = '' if not m.isreg() else __import__('hashlib').sha256(tarfile.open(sys.argv[1]).extractfile(m.name).read()).hexdigest()
    print(m.name, m.type, oct(m.mode), m.uname, m.gname, int(m.mtime), m.size, m.linkname, h)`
  return execFileSync('python3', ['-c', script, archive]).toString().trim().split('\n').sort()
}

const rpms = readdirSync(examples).filter(name => name.endsWith('.rpm'))

describe.skipIf(!requireTool('rpm2archive') || !requireTool('python3'))('the layout root', () => {
  it.each(rpms)('of %s has what rpm2archive has', name => {
    // rpm2archive writes beside its input.
    const input = join(folder, basename(name))
    copyFileSync(join(examples, name), input)
    execFileSync('rpm2archive', ['-n', input])
    const ours = join(folder, `${name}.ours.tar`)
    execFileSync(process.execPath, [cli, 'tar', '--layout', 'root', '-o', ours, input])
    expect(listing(ours)).toEqual(listing(`${input}.tar`))
  })

  it('has packages to compare', () => expect(rpms.length).toBeGreaterThan(0))
})

const formats = [
  '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH} %{name} %{RPMTAG_NAME}',
  '[%{FILENAMES} %{FILESIZES} %{FILEMODES:octal} %{FILEMODES:perms} %{FILEFLAGS:fflags}\\n]',
  'a[%{=NAME}:%{BASENAMES} ]b [ -x foo ] %{#FILENAMES} %{FILENAMES:arraysize} %{FILENAMES}',
  '%{EPOCH} %{VENDOR} %|VENDOR?{yes}:{no}| %|LICENSE?{%{LICENSE}}|',
  '%{BUILDTIME:date} %{BUILDTIME:day} %{BUILDTIME:hex} %-30{NAME}|%30{NAME}|%5{BUILDTIME}|',
  '[%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\\n][%{PROVIDENEVRS}\\n]',
  '%{NVR} %{NEVR} %{NVRA} %{NEVRA} %{EVR} %{EPOCHNUM} %{LONGSIZE} %{NAME:tagnum}',
  '100%% \\[a\\] \\n\\t\\q| %{SUMMARY:shescape} [%{FILENAMES:shescape} ]',
]

describe.skipIf(!requireTool('rpm'))('query formats', () => {
  it.each(rpms)('of %s give what rpm gives', async name => {
    const library = join(repo, 'packages/rpm-format/src')
    const { readPackage } = await import(join(library, 'package.ts'))
    const { formatQuery } = await import(join(library, 'query-format.ts'))
    const { queryTags } = await import(join(library, 'query-tags.ts'))
    const { readFileSync } = await import('node:fs')
    const path = join(examples, name)
    const tags = queryTags(await readPackage(readFileSync(path)))
    const got = formats.map(format => formatQuery(format, tags))
    const wanted = formats.map(format => {
      const { stdout } = spawnSync('rpm', ['-qp', '--nosignature', '--qf', format, path], {
        env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      })
      return stdout.toString('latin1')
    })
    expect(got).toEqual(wanted)
  })
})
