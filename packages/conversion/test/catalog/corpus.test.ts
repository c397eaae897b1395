import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CORPUS, hasCorpus } from '../../../../test/support/corpus.ts'
import { findTool } from '../../../../test/support/requires.ts'
import { Catalog, type CatalogEntry, createLogger, evrText } from '../../src/index.ts'

interface Queried {
  file: string
  nevra: string
  name: string
  evr: string
  isSource: boolean
}

describe.skipIf(!hasCorpus() || findTool('rpm') === undefined)('a catalog of real packages', () => {
  const root = mkdtempSync(join(tmpdir(), 'diskful-corpus-'))
  let catalog: Catalog
  let queried: Queried[]

  beforeAll(async () => {
    mkdirSync(join(root, 'clientpkgs'))
    for (const type of ['rpm', 'deb']) cpSync(join(CORPUS, type), join(root, 'clientpkgs', type), { recursive: true })
    cpSync(join(CORPUS, 'bad'), join(root, 'clientpkgs/rpm/bad'), { recursive: true })
    const logger = createLogger('test', 'silent')
    catalog = await Catalog.open({ folder: join(root, 'clientpkgs'), settleMs: 10, logger })
    await catalog.ready
    queried = [...catalog.entries('rpm')].map(entry => ask(entry))
  }, 120_000)

  afterAll(async () => {
    await catalog.close()
    rmSync(root, { recursive: true, force: true })
  })

  const listed = () => [...catalog.entries('rpm')]
  const names = () => [...new Set(queried.filter(({ isSource }) => !isSource).map(({ name }) => name))]

  function ask({ file }: CatalogEntry): Queried {
    const [nevra, name, evr, source] = answers().get(file) ?? []
    if (!nevra || !name || !evr) throw new Error(`rpm has nothing to say of ${file}`)
    return { file, nevra, name, evr, isSource: source === '1' }
  }

  let kept: Map<string, string[]> | undefined
  function answers(): Map<string, string[]> {
    kept ??= new Map(
      listed()
        .map(({ file }) => file)
        .reduce<string[][]>((batches, file, i) => {
          if (i % 100 === 0) batches.push([])
          batches.at(-1)!.push(file)
          return batches
        }, [])
        .flatMap(queryBatch),
    )
    return kept
  }

  /** One line for each file; a file that rpm refuses has none, and the rest is asked for one by one. */
  function queryBatch(files: string[]): [string, string[]][] {
    const format = '%{NEVRA}\\t%{NAME}\\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\t%|SOURCERPM?{0}:{1}|\\n'
    const paths = files.map(file => join(root, 'clientpkgs/rpm', file))
    const options = ['-qp', '--nosignature', '--nodigest', '--nomanifest', '--qf', format]
    const { stdout } = spawnSync('rpm', [...options, ...paths], { encoding: 'utf8', maxBuffer: 1 << 26 })
    const lines = stdout.split('\n').slice(0, -1)
    if (lines.length === files.length) return files.map((file, i) => [file, lines[i]!.split('\t')])
    if (files.length === 1) return []
    return files.flatMap(file => queryBatch([file]))
  }

  it('lists what is whole and says of the rest why not', () => {
    const { counts, errorCount } = catalog.status()
    expect(counts.rpm).toBeGreaterThan(500)
    expect(counts.deb).toBe(16)
    expect(errorCount).toBeLessThan(100)
  })

  it('finds every binary RPM by the NEVRA that rpm gives it', () => {
    const lost = queried.filter(({ file, nevra, isSource }) => {
      const found = catalog.resolve('rpm', nevra)
      const own = listed().find(entry => entry.file === file)!
      return !isSource && (found?.nevra !== own.nevra || found.name !== own.name || evrText(found) !== evrText(own))
    })
    expect(lost).toEqual([])
    expect(queried.filter(({ isSource }) => !isSource).length).toBeGreaterThan(400)
  })

  it('finds every RPM by its file name, source packages by nothing else', () => {
    for (const entry of listed()) expect(catalog.resolve('rpm', entry.fileName)?.fileName).toBe(entry.fileName)
    const sources = listed().filter(({ isSource }) => isSource)
    expect(sources.length).toBeGreaterThan(50)
    for (const { name } of sources) expect(catalog.resolve('rpm', name)?.isSource ?? false).toBe(false)
  })

  it('takes the newest of a name by the order of the real rpm', () => {
    const several = names()
      .map(name => ({
        name,
        evrs: [
          ...new Set(
            listed()
              .filter(entry => !entry.isSource && entry.name === name)
              .map(evrText),
          ),
        ],
      }))
      .filter(({ evrs }) => evrs.length > 1)
    const script = several
      .map(
        ({ evrs }) =>
          `best=nil for _,v in ipairs({${evrs.map(evr => JSON.stringify(evr)).join(',')}}) do if best==nil or rpm.ver(best)<rpm.ver(v) then best=v end end print(best, ' ')`,
      )
      .join('\n')
    const file = join(root, 'newest.lua')
    writeFileSync(file, script)
    const newest = execFileSync('rpm', ['--eval', `%{lua:dofile(${JSON.stringify(file)})}`], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
    // An epoch of 0 and none are equal: either text is right.
    const plain = (evr: string) => evr.replace(/^0:/, '')
    expect(several.map(({ name }) => plain(evrText(catalog.resolve('rpm', name)!)))).toEqual(newest.map(plain))
    expect(several.length).toBeGreaterThan(20)
  })

  it('plans every package there is', async () => {
    for (const name of names().slice(0, 150)) {
      const { rows, missing } = await catalog.plan({ type: 'rpm', packages: [name] })
      expect(missing).toEqual([])
      expect(rows.filter(({ requested }) => requested)).toHaveLength(1)
    }
  })
})
