import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { runInfo, runList } from '../../packages/rpm-format/src/cli-info.ts'
import { dependencyKinds } from '../../packages/rpm-format/src/dependencies.ts'
import { displayText, type FileInfo, readPackage } from '../../packages/rpm-format/src/index.ts'
import { CORPUS, hasCorpus } from '../support/corpus.ts'
import { requireTool } from '../support/requires.ts'

/** What separates lists, lines and values in rpm's answer: nothing that a package holds. */
const [LIST, LINE, VALUE] = ['\x1d', '\x1e', '\x1f']

const facts = ['NAME', 'EPOCH', 'VERSION', 'RELEASE', 'LICENSE', 'SUMMARY', 'VENDOR', 'URL', 'BUILDTIME', 'BUILDHOST']
const columns =
  'FILENAMES FILEMODES:perms LONGFILESIZES FILEUSERNAME FILEGROUPNAME FILEDIGESTS FILELINKTOS FILEFLAGS FILECAPS FILERDEVS FILEMTIMES FILELANGS FILECOLORS'

const values = (tags: readonly string[]) => tags.map(tag => `%{${tag}}`).join(VALUE)
const lines = (tags: readonly string[]) => `[${values(tags)}${LINE}]`
const format = [
  values([...facts, 'SOURCERPM', 'DESCRIPTION']),
  lines(columns.split(' ')),
  ...dependencyKinds.map(kind => {
    const tag = kind.replace(/s$/, '').toUpperCase()
    return lines([`${tag}NAME`, `${tag}FLAGS`, `${tag}VERSION`])
  }),
].join(LIST)

/** Lines of values; rpm has one line of `(none)` where there are none. */
function parsed(list: string): string[][] {
  const rows = list.split(LINE).slice(0, -1)
  return rows.map(row => row.split(VALUE)).filter(([first]) => first !== '(none)')
}

/** undefined where rpm refuses the package. */
function asked(path: string): string[] | undefined {
  const { status, stdout } = spawnSync('rpm', ['-qp', '--nosignature', '--nodigest', '--qf', format, path], {
    encoding: 'latin1',
    maxBuffer: 2 ** 30,
  })
  return status === 0 ? stdout.split(LIST) : undefined
}

async function printed(run: (args: string[]) => Promise<number>, args: string[]): Promise<string> {
  const pieces: Uint8Array[] = []
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((piece, ...rest) => {
    pieces.push(Buffer.from(piece))
    for (const done of rest) if (typeof done === 'function') done()
    return true
  })
  try {
    expect(await run(args)).toBe(0)
  } finally {
    write.mockRestore()
    process.stdout.removeAllListeners('error')
  }
  return Buffer.concat(pieces).toString()
}

/** As rpm says it, but for two things: what has no value, and paths of source packages, which begin with a slash here. */
function row(file: FileInfo, permissions: string, isSource: boolean): string[] {
  const { path, size, owner, group, digest, linkTarget, flags, capabilities, device, mtime, lang, color } = file
  const rdev = device ? device.major * 256 + device.minor : 0
  return [
    isSource ? path.slice(1) : path,
    permissions,
    String(size),
    owner,
    group,
    digest,
    linkTarget,
    String(flags),
    capabilities,
    String(rdev),
    String(mtime),
    lang,
    String(color),
  ]
}

const nothing = (value: string | undefined): string => (value === '(none)' || value === undefined ? '' : value)

/** Whether both read the package. */
async function compare(path: string): Promise<boolean> {
  const answer = asked(path)
  const file = await open(path)
  const rpm = await readPackage(file).catch(() => undefined)
  await file.close()
  if (!answer || !rpm) return false
  const [said = '', files = '', ...dependencies] = answer

  const info = JSON.parse(await printed(runInfo, ['--json', path]))
  const { name, epoch, version, release, license, summary, vendor, url, buildTime, buildHost } = info
  const told = [name, epoch, version, release, license, summary, vendor, url, buildTime, buildHost]
  expect(
    [...told, info.sourceRpm, info.description].map(value => String(value ?? '')),
    path,
  ).toEqual(said.split(VALUE).map(value => displayText(nothing(value))))

  const listed = (await printed(runList, [path])).split('\n').slice(0, -1)
  const wanted = parsed(files).map(cells => cells.map((cell, k) => (cell === '(none)' && k > 6 ? numeric(k) : cell)))
  expect(listed.length, path).toBe(wanted.length)
  // Old writers left garbage in the device numbers of what is no device.
  for (const cells of wanted) if (!/^[bc]/.test(cells[1]!)) cells[9] = '0'
  const got = Array.from(rpm.files, (entry, k) => row(entry, listed[k]!.split(' ', 1)[0]!, rpm.isSource))
  expect(got, path).toEqual(wanted.map(cells => cells.map(nothing)))

  for (const [k, kind] of dependencyKinds.entries()) {
    const ours = rpm.dependencies(kind).map(({ name, flags, version }) => [name, String(flags), version])
    const theirs = parsed(dependencies[k]!).map(cells => cells.map(nothing))
    // Reading a package of format 3 rpm adds that it provides itself.
    const added = rpm.format === 3 && kind === 'provides' ? theirs.length - ours.length : 0
    expect(ours, `${path}: ${kind}`).toEqual(theirs.slice(0, theirs.length - added))
  }
  return true
}

/** Of a column that the package does not have. */
const numeric = (column: number): string => ([7, 9, 10, 12].includes(column) ? '0' : '')

const examples = resolve(import.meta.dirname, '../../examples/clientpkgs/rpm')

function rpmsBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.rpm'))
  return names.toSorted().map(name => join(folder, name))
}

describe.skipIf(!requireTool('rpm'))('info and list say what rpm -q says', () => {
  it('of the examples', { timeout: 60_000 }, async () => {
    for (const path of rpmsBelow(examples)) expect(await compare(path), path).toBe(true)
  })

  it.skipIf(!hasCorpus())('of every real RPM', { timeout: 300_000 }, async () => {
    let compared = 0
    for (const path of rpmsBelow(join(CORPUS, 'rpm'))) if (await compare(path)) compared++
    expect(compared).toBeGreaterThan(550)
  })
})
