import { spawnSync } from 'node:child_process'
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compareEvr, compress, type Nevra, parseNevra, rpmToTar } from 'rpm-format'
import { CORPUS } from '../../support/corpus.ts'
import { rpm } from './fixtures.ts'
import { installTars, type Run, runScript } from './installer.ts'
import { freshRoot } from './roots.ts'
import { differences, readTree } from './tree.ts'

/** One package of the corpus, and the next newer one of the same name and architecture where there is one. */
export interface RealPackage {
  path: string
  nevra: Nevra
  newer?: string
}

interface Row extends RealPackage {
  features: string[]
}

/** Larger ones would fill the roots, which are memory. */
const BIGGEST = 200_000_000

/** What the roots have for scriptlets. */
const INTERPRETERS = ['(none)', '/bin/sh', '/sbin/ldconfig', '/usr/sbin/ldconfig']

/** docs/installers-tar.md gives the reasons. */
const NOT_COMPARED = {
  without: [
    /^\/var\/(lib\/(rpm|diskful)|cache\/ldconfig|tmp)$/,
    '/root',
    /^\/tmp\/CLUSTERWARE/,
    '/etc/ld.so.cache',
    /^\/opt\/scyld\/[^/]*\/pkg$/,
  ],
}

/**
 * Where a TAR is unpacked, and units that scripts would enable if the roots had systemctl: there rpm has nothing. And the
 * links of a merged /usr, which rpm gives to a package that calls them its folder, and removes with it.
 */
const ACCEPTED = [
  /^\/opt(\/scyld(\/[^/]+)?)?: absent \| folder 0755 0:0$/,
  /^\/(usr\/)?(bin|sbin|lib|lib64): (folder \d{4} \d+:\d+ \| folder 0755 0:0|absent \| link 0:0 -> usr\/\w+)$/,
  /^\/etc\/systemd(\/system(\/.+)?)?: absent \| (folder 0755 0:0|link 0:0 -> \/usr\/lib\/systemd\/.*)$/,
]

/**
 * Every binary package that is not damaged on purpose, in the same order on any machine: first one with most features
 * of the catalog, then the one that adds most to those seen, and so on; when there is nothing new, over again.
 */
export function realPackages(): RealPackage[] {
  const rows = catalogRows()
  return spreadOverFeatures(rows).map(({ path, nevra }) => {
    const newer = rows
      .filter(other => other.nevra.name === nevra.name && other.nevra.arch === nevra.arch)
      .filter(other => compareEvr(other.nevra, nevra) > 0)
      .toSorted((a, b) => compareEvr(a.nevra, b.nevra))[0]
    return { path, nevra, ...(newer && { newer: newer.path }) }
  })
}

function catalogRows(): Row[] {
  const [head = [], ...lines] = readFileSync(join(CORPUS, 'catalog.tsv'), 'latin1')
    .split('\n')
    .map(line => line.split('\t'))
  const column = (line: string[], name: string) => line[head.indexOf(name)] ?? ''
  return lines.flatMap(line => {
    const nevra = parseNevra(column(line, 'nevra_raw'))
    if (!nevra || column(line, 'bad_kind') || column(line, 'is_src')) return []
    const features = column(line, 'features').split(',')
    return [{ path: join(CORPUS, column(line, 'path')), nevra, features }]
  })
}

function spreadOverFeatures(rows: readonly Row[]): Row[] {
  const left = [...rows]
  const spread: Row[] = []
  const seen = new Set<string>()
  while (left.length > 0) {
    const news = left.map(({ features }) => features.filter(feature => !seen.has(feature)).length)
    const most = Math.max(...news)
    if (most === 0) seen.clear()
    const [next] = left.splice(most === 0 ? 0 : news.indexOf(most), 1)
    for (const feature of next!.features) seen.add(feature)
    spread.push(next!)
  }
  return spread
}

const QUERY =
  '%{SIZE}|%{PRETRANSPROG} %{PREINPROG} %{POSTINPROG} %{POSTTRANSPROG} %{PREUNPROG} %{POSTUNPROG}|' +
  '[%{PROVIDENAME} ]|[%{FILEUSERNAME} ]|[%{FILEGROUPNAME} ]\n'

/** The users and groups of its files, or undefined where the roots lack what it needs, or rpm cannot read it. */
function ownersIfInstallable(path: string): { users: string[]; groups: string[] } | undefined {
  const result = spawnSync('rpm', ['-qp', '--nosignature', '--qf', QUERY, path], { encoding: 'latin1' })
  if (result.status !== 0) return undefined
  const [size, programs = '', provides = '', users = '', groups = ''] = result.stdout.trim().split('|')
  const foreign = programs.split(' ').some(program => !INTERPRETERS.includes(program))
  // rpm makes users of sysusers.d from 4.19 on.
  const ownUsers = /(^| )(user|group)\(/.test(provides)
  if (ownUsers || Number(size) > BIGGEST || foreign) return undefined
  const names = (text: string) =>
    [...new Set(text.split(' '))].filter(name => name && name !== 'root' && name !== '(none)')
  return { users: names(users), groups: names(groups) }
}

/** What differed, a line each, and whether there was a newer version to upgrade to. */
export interface Life {
  lines: string[]
  upgraded: boolean
}

/**
 * Installs, upgrades and removes a package in twin roots, by rpm and by TAR, and compares the trees after each step.
 * Undefined where rpm is no yardstick: it refuses the package, or hangs over it.
 */
export async function lifeBesideRpm(
  { path, newer, nevra: { name } }: RealPackage,
  folder: string,
  script: string,
): Promise<Life | undefined> {
  const owners = [path, ...(newer ? [newer] : [])].map(ownersIfInstallable)
  if (!owners[0]) return undefined
  const [byRpm, byTar] = [freshRoot('dash', folder), freshRoot('dash', folder)]
  for (const root of [byRpm, byTar]) {
    addOwners(root, owners)
    stopClock(root)
  }
  const steps: [string, () => Run, () => Run | Promise<Run>][] = [
    ['install', () => rpm(byRpm, '-i', ...ANYWAY, path), () => installTar(path)],
    ['upgrade', () => rpm(byRpm, '-U', ...ANYWAY, newer!), () => installTar(newer!)],
    ['erase', () => rpm(byRpm, '-e', '--nodeps', name), () => runScript(byTar, script, ['--uninstall', name])],
  ]
  const lines: string[] = []
  let upgraded = false
  try {
    for (const [step, byRpmItself, byOurs] of steps) {
      if (step === 'upgrade' && !owners[1]) continue
      const first = byRpmItself()
      if (first.code !== 0 || first.output.includes('error:'))
        return step === 'install' ? undefined : { lines, upgraded }
      const second = await byOurs()
      if (![0, 10].includes(second.code)) {
        lines.push(`${step}: ${second.output}`)
        return { lines, upgraded }
      }
      const strange = differences(readTree(byRpm, NOT_COMPARED), readTree(byTar, NOT_COMPARED)).filter(
        line => !ACCEPTED.some(known => known.test(line)),
      )
      lines.push(...strange.map(line => `${step}: ${line}`))
      if (step === 'upgrade') upgraded = true
    }
    return { lines, upgraded }
  } finally {
    for (const root of [byRpm, byTar]) rmSync(root, { recursive: true, force: true })
  }

  async function installTar(rpmPath: string): Promise<Run> {
    const tar = join(folder, 'package.tar.gz')
    const converted = rpmToTar(readFileSync(rpmPath), { layout: 'scyld' })
    await writeFile(tar, compress(converted, { format: 'gzip', level: 1 }))
    return installTars(byTar, script, [tar])
  }
}

const ANYWAY = ['--nodeps', '--ignoreos', '--ignorearch', '--noorder', '--nofiledigest']

/** What scripts of the packages would make with tools that the roots lack. */
function addOwners(root: string, owners: readonly ReturnType<typeof ownersIfInstallable>[]): void {
  const names = (of: 'users' | 'groups') => [...new Set(owners.flatMap(owner => owner?.[of] ?? []))]
  const lines = (of: 'users' | 'groups', rest: string) =>
    names(of).map((name, index) => `${name}:x:${700 + index}:${rest}\n`)
  appendFileSync(join(root, 'etc/passwd'), lines('users', '0::/:/bin/false').join(''), 'latin1')
  appendFileSync(join(root, 'etc/group'), lines('groups', '').join(''), 'latin1')
}

/** Some scripts write down when they ran. */
function stopClock(root: string): void {
  const date = join(root, 'usr/bin/date')
  renameSync(date, `${date}.real`)
  writeFileSync(date, '#!/bin/sh\nexec /usr/bin/date.real -d @1700000000 "$@"\n', { mode: 0o755 })
}
