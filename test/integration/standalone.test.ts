import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { download, tarUrl } from '../support/downloads.ts'
import { EXAMPLES, HeadNode, offered, type Service } from '../support/head-node.ts'
import { metric } from '../support/metrics.ts'
import { listens } from '../support/ports.ts'
import { requireTool } from '../support/requires.ts'

const PYTHON_LIST = 'import sys, tarfile; [print(m.name) for m in tarfile.open(sys.argv[1])]'
const LISTERS = [
  { tool: 'tar', args: (file: string) => ['-tzf', file] },
  { tool: 'bsdtar', args: (file: string) => ['-tzf', file] },
  { tool: 'busybox', args: (file: string) => ['tar', '-tzf', file] },
  { tool: 'python3', args: (file: string) => ['-c', PYTHON_LIST, file] },
]

describe.skipIf(!LISTERS.map(({ tool }) => requireTool(tool)).every(Boolean) || !requireTool('curl'))('start', () => {
  const head = new HeadNode({ CLIENTPKGS_DIR: EXAMPLES })
  const folder = mkdtempSync(join(tmpdir(), 'diskful-standalone-'))
  let service: Service

  beforeAll(async () => {
    service = await head.startStandalone()
    await offered(service, ['clusterware-node', 'clusterware-tools'])
  })
  afterAll(async () => {
    await head.close()
    rmSync(folder, { recursive: true })
  })

  it('prints a curl line that gives the TAR of clusterware-node', () => {
    const line = /^.*\bcurl .*clusterware-node.*$/m.exec(service.process.log())?.[0].trim() ?? ''
    expect(line).toContain('/api/v1/install/client/download/tar/clusterware-node')
    execFileSync('sh', ['-c', line.slice(line.indexOf('curl '))], { cwd: folder, stdio: 'pipe' })
    const [file] = execFileSync('ls', [folder], { encoding: 'utf8' }).split('\n')
    expect(execFileSync('tar', ['-tzf', join(folder, file ?? '')], { encoding: 'utf8' })).toContain(
      'bin/cw-status-updater',
    )
  })

  it('gives a TAR that GNU tar, bsdtar, busybox and Python list alike', () => {
    const file = join(folder, 'x.tar.gz')
    execFileSync('curl', ['-sf', '-o', file, tarUrl(service.url, 'clusterware-node')])
    const lists = LISTERS.map(({ tool, args }) => {
      const names = execFileSync(tool, args(file), { encoding: 'utf8' }).trim().split('\n')
      return names.map(name => name.replace(/\/$/, ''))
    })
    expect(lists[0]).toEqual(
      expect.arrayContaining([
        './bin/cw-status-updater',
        './pkg/etc/clusterware/node.conf',
        './pkg/usr/lib/systemd/system/cw-status-updater.service',
        './pkg/scripts/post',
        './pkg/meta/manifest.json',
      ]),
    )
    for (const list of lists.slice(1)) expect(list).toEqual(lists[0])
  })

  it('converts once, and answers from the store from then on', async () => {
    const bodies = await Promise.all(
      Array.from({ length: 50 }, () => download(tarUrl(service.url, 'clusterware-tools'))),
    )
    expect(new Set(bodies.map(({ status, sha256 }) => `${status} ${sha256}`)).size).toBe(1)
    expect(bodies[0]?.status).toBe(200)
    expect(head.storedTars().map(({ nevra }) => nevra.replace(/-.*/, ''))).toHaveLength(2)
    const metrics = await (await fetch(`${service.opsUrl}/metrics`)).text()
    expect(metric(metrics, 'diskful_tar_requests_total')).toBeGreaterThanOrEqual(50)
  })

  it('refuses what is no package name, and says which names are near', async () => {
    const status = async (path: string) =>
      (await download(`${service.url}/api/v1/install/client/download/${path}`)).status
    expect(await status('tar/..%2F..%2Fetc')).toBe(400)
    expect(await status('tar/a%00b')).toBe(400)
    expect(await status('tar/clusterware-nodes')).toBe(404)
    const missing = await download(tarUrl(service.url, 'clusterware-nodes'))
    expect(missing.text).toContain('clusterware-node')
  })

  it('ends both processes at SIGTERM and lets a running download finish', async () => {
    const exit = await service.process.stop()
    expect(exit).toEqual({ code: 0, signal: null })
    expect(await listens(Number(new URL(service.url).port))).toBe(false)
    expect(head.staging()).toEqual([])
  })
})
