import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireTool } from '../../../test/support/requires.ts'
import { encodeTarHeader, endOfArchive, padding, type TarEntry } from '../src/tar.ts'

const common = { mode: 0o644, mtime: 1_700_000_000, owner: 'root', group: 'root' }
const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

const members: [TarEntry, string][] = [
  [{ ...common, name: './', type: 'directory', mode: 0o755 }, ''],
  [{ ...common, name: './plain', type: 'file' }, 'plain content'],
  [{ ...common, name: './secret', type: 'file', mode: 0 }, 'none may read'],
  [{ ...common, name: './setuid', type: 'file', mode: 0o4755 }, '#!'],
  [{ ...common, name: utf8('./größe'), type: 'file' }, 'UTF-8'],
  [{ ...common, name: './gr\xf6\xdfe', type: 'file' }, 'Latin-1'],
  [{ ...common, name: `./${'long/'.repeat(40)}name`, type: 'file' }, 'in the prefix'],
  [{ ...common, name: `./${'n'.repeat(180)}`, type: 'file' }, 'in pax'],
  [{ ...common, name: './link', type: 'symlink', mode: 0o777, link: 'plain' }, ''],
  [{ ...common, name: './far', type: 'symlink', mode: 0o777, link: `/${'t'.repeat(200)}` }, ''],
  [{ ...common, name: './again', type: 'hardlink', link: './plain' }, ''],
  [{ ...common, name: './fifo', type: 'fifo' }, ''],
  [{ ...common, name: './null', type: 'character-device', device: { major: 1, minor: 3 } }, ''],
  [{ ...common, name: './somebody', type: 'file', owner: 'u'.repeat(40), group: 'daemon' }, 'long owner'],
]

let folder: string
let archive: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskful-tar-'))
  archive = join(folder, 'a.tar')
  const parts = members.flatMap(([entry, content]) => {
    const bytes = Buffer.from(content)
    return [encodeTarHeader({ ...entry, size: bytes.length }), bytes, padding(bytes.length)]
  })
  writeFileSync(archive, Buffer.concat([...parts, endOfArchive]))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Names as bytes, in order, without the slash of directories. */
const wanted = members.map(([{ name }]) => name.replace(/(?<=.)\/$/, ''))

function list(command: string, ...args: string[]): string[] {
  const { status, stdout, stderr } = spawnSync(command, args, { env: { ...process.env, LC_ALL: 'C.UTF-8' } })
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' })
  const lines = stdout.toString('latin1').trimEnd().split('\n')
  return lines.map(line => line.replace(/(?<=.)\/$/, ''))
}

describe('other readers list every name, silently', () => {
  it.skipIf(!requireTool('tar'))('GNU tar', () => {
    expect(list('tar', '--quoting-style=literal', '-tf', archive)).toEqual(wanted)
  })
  it.skipIf(!requireTool('bsdtar'))('bsdtar', () => {
    // bsdtar escapes what is no UTF-8.
    expect(list('bsdtar', '-tf', archive).map(name => name.replace(/\\(\d{3})/g, octal))).toEqual(wanted)
  })
  it.skipIf(!requireTool('busybox'))('busybox tar', () => {
    // busybox leaves the ./ out and puts ? for what is no ASCII.
    const shown = wanted.map(name => name.replace(/[\x80-\xff]/g, '?'))
    expect(list('busybox', 'tar', '-tf', archive).map(name => name.replace(/[\x80-\xff]/g, '?'))).toEqual(shown)
  })
  it.skipIf(!requireTool('python3'))('Python tarfile, with modes, owners, links and devices', () => {
    const script = `
import sys, tarfile, json
for m in tarfile.open(sys.argv[1]):
    print(json.dumps([m.name.encode('utf8', 'surrogateescape').decode('latin1'), m.mode, m.uname, m.linkname, m.mtime, m.devmajor, m.devminor]))`
    const lines = execFileSync('python3', ['-c', script, archive]).toString().trim().split('\n')
    expect(lines.map(line => JSON.parse(line))).toEqual(
      members.map(([{ mode, owner, link = '', mtime, device }], index) => [
        wanted[index]!,
        mode,
        owner,
        link,
        mtime,
        device?.major ?? 0,
        device?.minor ?? 0,
      ]),
    )
  })
  it.skipIf(!requireTool('tar'))('GNU tar unpacks contents and hardlinks', () => {
    const target = join(folder, 'unpacked')
    execFileSync('sh', ['-c', 'mkdir "$2" && tar -xf "$1" -C "$2" --exclude=./null', 'sh', archive, target])
    const shell = (script: string) => execFileSync('sh', ['-c', script], { cwd: target }).toString()
    expect(shell('test plain -ef again && cat again link')).toBe('plain contentplain content')
    expect(shell('stat -c %a secret')).toBe('0\n')
    expect(shell(`cat ./${'long/'.repeat(40)}name ./${'n'.repeat(180)}`)).toBe('in the prefixin pax')
  })
})

function octal(_: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 8))
}
