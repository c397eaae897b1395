import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CORPUS, hasCorpus } from '../support/corpus.ts'
import { requireRoot, requireTool } from '../support/requires.ts'
import { quick } from './tar-support/crash.ts'
import { convert, rpm } from './tar-support/fixtures.ts'
import { installTars, tarInstaller } from './tar-support/installer.ts'
import { closeRoots, freshRoot, openRoots } from './tar-support/roots.ts'
import { differences, readTree } from './tar-support/tree.ts'

const able = requireRoot() && ['rpm', 'dash'].every(requireTool) && hasCorpus()

/** So long, and so many packages: the same ones on any machine. Both to 3600 for all; among those some still differ. */
const SECONDS = Number(process.env.DISKFUL_CORPUS_SECONDS ?? 100)
const PACKAGES = Number(process.env.DISKFUL_CORPUS_PACKAGES ?? 40)
const BIGGEST = 3_000_000

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

/** Where a TAR is unpacked, and where rpm has nothing. */
const HOME_FOLDER = /^\/opt(\/scyld(\/[^/]+)?)?: absent \| folder 0755 0:0$/

function candidates(): string[] {
  const lines = readFileSync(join(CORPUS, 'catalog.tsv'), 'latin1').split('\n')
  const paths = lines.map(line => line.split('\t')[1] ?? '').filter(path => /\.(noarch|x86_64)\.rpm$/.test(path))
  return paths.map(path => join(CORPUS, path))
}

/** The name of a package that rpm installs here without an interpreter that this root lacks. */
function installableName(path: string): string | undefined {
  try {
    const query =
      '%{NAME}|%{SOURCEPACKAGE}|%{SIZE}|%{PRETRANSPROG} %{PREINPROG} %{POSTINPROG} %{POSTTRANSPROG}|[%{PROVIDENAME} ]\n'
    const text = execFileSync('rpm', ['-qp', '--nosignature', '--qf', query, path], {
      encoding: 'latin1',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [name = '', source, size, programs = '', provides = ''] = text.trim().split('|')
    const foreign = programs.split(' ').some(program => !['(none)', '/bin/sh'].includes(program))
    // rpm makes users of sysusers.d from 4.19 on.
    const users = /(^| )(user|group)\(/.test(provides)
    return users || source === '1' || Number(size) > BIGGEST || foreign ? undefined : name
  } catch {
    // damaged on purpose
    return undefined
  }
}

describe.skipIf(!able)('real packages beside rpm itself', () => {
  let folder: string
  let script: string
  beforeAll(async () => {
    folder = openRoots()
    script = quick(await tarInstaller())
  })
  afterAll(() => closeRoots(folder))

  it('lays down the same trees', { timeout: (SECONDS + 60) * 1000 }, () => {
    const deadline = performance.now() + SECONDS * 1000
    const wrong: string[] = []
    let same = 0
    for (const path of spread(candidates())) {
      if (performance.now() > deadline || same + wrong.length >= PACKAGES) break
      const name = installableName(path)
      const outcome = name === undefined ? undefined : compared(path)
      if (outcome === undefined) continue
      if (outcome.length === 0) same += 1
      else wrong.push(`${name} (${path}):\n  ${outcome.slice(0, 6).join('\n  ')}`)
    }
    console.log(`${same} real packages are the same by TAR as by rpm`)
    expect(wrong).toEqual([])
    expect(same).toBeGreaterThan(5)
  })

  function compared(path: string): string[] | undefined {
    const [byRpm, byTar] = [freshRoot('dash', folder), freshRoot('dash', folder)]
    try {
      const args = ['-i', '--nodeps', '--ignoreos', '--noorder', '--nofiledigest', path]
      const first = rpm(byRpm, ...args)
      // What rpm refuses, or hangs over, is no yardstick.
      if (first.code !== 0 || first.output.includes('error:')) return undefined
      cpSync(convert(join(folder, 'tars'), path), join(folder, 'tars/package.tar.gz'))
      const second = installTars(byTar, script, [join(folder, 'tars/package.tar.gz')])
      if (![0, 10].includes(second.code)) return [second.output]
      return differences(readTree(byRpm, NOT_COMPARED), readTree(byTar, NOT_COMPARED)).filter(
        line => !HOME_FOLDER.test(line),
      )
    } catch (error) {
      return [String(error)]
    } finally {
      for (const root of [byRpm, byTar]) rmSync(root, { recursive: true, force: true })
    }
  }
})

/** The list in another order, always the same one: neighbours are versions of one package. */
function spread<T>(list: readonly T[]): T[] {
  return list
    .map((item, index) => ({ item, key: (index * 7919) % list.length }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}
