import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectedTar } from '../scenarios/expected-tar.ts'
import { CORPUS, CORPUS_TOOLS, hasCorpus } from '../support/corpus.ts'
import { download, tally, tarUrl } from '../support/downloads.ts'
import { HeadNode, offered, REPO, type Service } from '../support/head-node.ts'
import { metric } from '../support/metrics.ts'
import { OwnRedis } from '../support/redis.ts'
import { requireOwnRedis, requireTool } from '../support/requires.ts'

const run = promisify(execFile)
const CLI = join(REPO, 'packages/rpm-format/src/cli.ts')

describe.skipIf(!hasCorpus())('the corpus of real RPMs', () => {
  describe.skipIf(!requireTool('python3'))('against what rpm unpacks', () => {
    it.each(['root', 'scyld'])('agrees in the layout %s, every package', async layout => {
      const cli = [process.execPath, CLI, 'tar', '--layout', '{layout}', '--compress', 'none', '-o', '-', '{rpm}']
      // Half of the time of each run is node reading its modules.
      const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'diskful-compile-cache') }
      const check = [join(CORPUS_TOOLS, 'corpus-check'), '--corpus', CORPUS, '--layout', layout, '--jobs', '2', '--']
      const { stdout } = await run('python3', [...check, ...cli], { maxBuffer: 1 << 26, env }).catch(
        (failed: { stdout: string }) => failed,
      )
      const lines = stdout.trim().split('\n')
      const [, agree, all] = /^(\d+) of (\d+) agree$/.exec(lines.pop() ?? '') ?? []
      expect(lines.filter(line => !isPackageOfTheRoot(line, layout))).toEqual([])
      expect(Number(agree) + lines.length).toBe(Number(all))
      expect(lines.length).toBeLessThanOrEqual(2)
    })
  })

  describe('broken packages', () => {
    const head = new HeadNode()
    const bad = hasCorpus() ? badFiles() : []
    let service: Service

    beforeAll(async () => {
      for (const file of bad) head.add(file)
      service = await head.startStandalone()
    })
    afterAll(() => head.close())

    it('are answered with an error each, and leave no TAR and no dead converter', async () => {
      expect(bad.length).toBeGreaterThan(40)
      await expect.poll(() => knownFiles(service), { timeout: 30_000 }).toBeGreaterThanOrEqual(bad.length)
      const answers = await Promise.all(bad.map(file => download(tarUrl(service.url, basename(file)))))
      const odd = answers.filter(({ status }) => status !== 404 && status !== 422)
      expect(odd.map(({ url, status, error, text }) => ({ url, status, error, text }))).toEqual([])
      expect(head.storedTars()).toEqual([])
      expect(head.staging()).toEqual([])
      expect(service.process.log()).not.toMatch(/converter (ended|died|was killed)/i)
      expect((await download(`${service.url}/healthz`)).status).toBe(200)
    })
  })

  describe.skipIf(!requireOwnRedis())('one API and two converters', () => {
    const rpm = hasCorpus() ? largestInstallable() : ''
    let redis: OwnRedis
    let head: HeadNode
    let api: Service
    let converters: Service[]

    beforeAll(async () => {
      redis = await OwnRedis.start()
      head = new HeadNode({ REDIS_URL: redis.url })
      head.add(rpm)
      converters = [await head.startConverter(), await head.startConverter()]
      api = await head.startApi()
      await offered(api, [basename(rpm)])
    })
    afterAll(async () => {
      await head.close()
      await redis.stop()
    })

    it('convert one real RPM once for 200 simultaneous requests, and answer 200 more from the store', async () => {
      const storm = () =>
        Promise.all(Array.from({ length: 200 }, () => download(tarUrl(api.url, basename(rpm)), { silenceSeconds: 60 })))
      const wanted = { [`200 ${await expectedTar(rpm)}`]: 200 }
      expect(tally(await storm())).toEqual(wanted)
      expect(await conversions(converters)).toBe(1)
      expect(tally(await storm())).toEqual(wanted)
      expect(await conversions(converters)).toBe(1)
    })
  })
})

/**
 * Packages that own `/` itself: corpus-check expects the name `pkg/.` for it in the layout scyld, and reads every name in
 * a TAR without the dot. They have `./pkg/`.
 */
function isPackageOfTheRoot(line: string, layout: string): boolean {
  return layout === 'scyld' && /: missing 1 \[\('pkg\/\.', '5', [^\]]*\] extra 0 \[\]$/.test(line)
}

/** Every row of the catalog with a defect, and the files that rpm's own recipes corrupted. */
function badFiles(): string[] {
  const recipes = readdirSync(join(CORPUS, 'bad')).map(name => join(CORPUS, 'bad', name))
  const rows = catalog().filter(row => row.bad_kind && row.bad_kind !== '-')
  // Some have the same name: one of each is offered.
  const byName = new Map(
    [...rows.map(row => join(CORPUS, row.path ?? '')), ...recipes].map(path => [basename(path), path]),
  )
  return [...byName.values()]
}

function largestInstallable(): string {
  const fit = catalog().filter(row => !row.bad_kind && row.payload_actual === 'xz' && row.is_src !== 'src')
  const [largest] = fit.toSorted((a, b) => Number(b.size) - Number(a.size))
  return join(CORPUS, largest?.path ?? '')
}

function catalog(): Record<string, string>[] {
  const [head = '', ...lines] = readFileSync(join(CORPUS, 'catalog.tsv'), 'latin1').trim().split('\n')
  const columns = head.split('\t')
  return lines.map(line => Object.fromEntries(line.split('\t').map((value, i) => [columns[i] ?? '', value])))
}

/** Files of rpm/ that the catalog has looked at: offered, or found to be broken. */
async function knownFiles(service: Service): Promise<number> {
  const text = await (await fetch(`${service.opsUrl}/metrics`)).text()
  return metric(text, 'diskful_catalog_packages', { type: 'rpm' }) + metric(text, 'diskful_catalog_errors')
}

async function conversions(converters: readonly Service[]): Promise<number> {
  const texts = await Promise.all(converters.map(async ({ opsUrl }) => (await fetch(`${opsUrl}/metrics`)).text()))
  return texts.reduce((sum, text) => sum + metric(text, 'diskful_conversions_total'), 0)
}
