import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startProcess } from '../support/processes.ts'
import { useCluster } from './support/cluster.ts'
import type { Rule, Seen } from './support/faulty-head-node.ts'
import { withExamplePackages } from './support/head-node.ts'
import { lookalike } from './support/lookalikes.ts'
import { canUseRoots } from './support/needs.ts'
import { FAULTY_HEAD_NODE, HEAD_NODE } from './support/network.ts'
import type { Node } from './support/node.ts'

const FAULTY = `http://${FAULTY_HEAD_NODE}/api/v1/install/client`
const CLIENTS = ['curl', 'wget', 'busybox', 'python3', 'perl', 'bash']
const DEB = 'download/deb/clusterware-node_'

describe.skipIf(!canUseRoots())('downloads over a bad line', () => {
  const cluster = useCluster(withExamplePackages)

  async function withFaults<T>(rules: Rule[], use: (seen: () => Seen[]) => Promise<T>): Promise<T> {
    const [command, ...args] = [...cluster.network.enter, process.execPath]
    const script = join(import.meta.dirname, 'support/faulty-head-node.ts')
    const faulty = await startProcess({
      name: 'faulty-head-node',
      command: command!,
      args: [...args, script, FAULTY_HEAD_NODE, HEAD_NODE, JSON.stringify(rules)],
      ready: async running => running.log().includes('ready'),
    })
    const seen = () => faulty.records().filter((record): record is Seen & Record<string, unknown> => 'url' in record)
    try {
      return await use(seen)
    } finally {
      await faulty.kill()
    }
  }

  const install = (node: Node, client: string, options = '', url = `${FAULTY}/installer?pkg=deb`) =>
    node.sh(
      `cd /root && curl -qfsS -g -o i '${url.replace(FAULTY, `http://${HEAD_NODE}/api/v1/install/client`)}' && sed -i 's/${HEAD_NODE}/${FAULTY_HEAD_NODE}/' i && sh i ${options}`,
      { env: { DISKFUL_HTTP_CLIENT: client }, seconds: 200 },
    )

  const downloads = (seen: Seen[]) => seen.filter(({ url }) => url.includes(DEB)).map(({ range }) => range)

  it.each(CLIENTS)('%s continues what was cut, from the start where the server will not', async client => {
    const rules: Rule[] = [
      { path: DEB, times: 2, fault: 'cut', at: 1000 },
      { path: DEB, times: 1, fault: 'no-range' },
    ]
    await withFaults(rules, async seen => {
      using node = lookalike(cluster.network, 'debian')
      const outcome = await install(node, client)
      expect(outcome, outcome.output).toMatchObject({ code: 0 })
      expect(downloads(seen()).slice(0, 3)).toEqual([undefined, 'bytes=1000-', 'bytes=2000-'])
    })
  })

  it.each(CLIENTS)(
    '%s waits as it is told, goes on after resets, and downloads again what came corrupted',
    async client => {
      const rules: Rule[] = [
        { path: '/plan', times: 1, fault: 'status', at: 503, retryAfter: 1 },
        { path: DEB, times: 1, fault: 'reset' },
        { path: DEB, times: 1, fault: 'corrupt' },
      ]
      await withFaults(rules, async seen => {
        using node = lookalike(cluster.network, 'debian')
        const outcome = await install(node, client)
        expect(outcome, outcome.output).toMatchObject({ code: 0 })
        expect(downloads(seen())).toEqual([undefined, undefined, undefined])
        const log = node.read('/tmp/CLUSTERWARE_INSTALL_LOG')
        // busybox' wget does not show the headers of an error.
        expect(log).toMatch(
          client === 'busybox' ? /HTTP 503; again in \d+ s/ : /HTTP 503: the faulty .*; again in [1-3] s/,
        )
      })
    },
  )

  it('installs nothing that comes corrupted every time', async () => {
    await withFaults([{ path: DEB, times: 9, fault: 'corrupt' }], async seen => {
      using node = lookalike(cluster.network, 'debian')
      const outcome = await install(node, 'curl')
      expect(outcome, outcome.output).toMatchObject({ code: 32 })
      expect(outcome.stderr).toContain('SHA-256')
      expect(downloads(seen()).length).toBeLessThan(4)
      expect((await node.sh('dpkg-query -W clusterware-node')).code).toBe(1)
    })
  })

  it.each(CLIENTS)('%s: an answer that is no is told in its words, at once, with a code of its own', async client => {
    await withFaults([{ path: '/plan', times: 9, fault: 'status', at: 403 }], async seen => {
      using node = lookalike(cluster.network, 'debian')
      const outcome = await install(node, client)
      expect(outcome, outcome.output).toMatchObject({ code: 31 })
      expect(outcome.stderr).toContain('HTTP 403')
      // busybox' wget throws the body away.
      if (client !== 'busybox') expect(outcome.stderr).toContain('the faulty one says')
      expect(seen().filter(({ url }) => url.includes('/plan'))).toHaveLength(1)
    })
  })

  it('gives up on silence, with a code of its own', async () => {
    for (const client of ['busybox', 'bash']) {
      await withFaults([{ path: '/plan', times: 9, fault: 'silent' }], async () => {
        using node = lookalike(cluster.network, 'debian')
        const outcome = await node.sh(
          `curl -qfsS -o /root/i 'http://${HEAD_NODE}/api/v1/install/client/installer?pkg=deb' && sed -i 's/${HEAD_NODE}/${FAULTY_HEAD_NODE}/; s/^HTTP_STALL=.*/HTTP_STALL=4/; s/^HTTP_TRIES=.*/HTTP_TRIES=2/' /root/i && sh /root/i --no-report`,
          { env: { DISKFUL_HTTP_CLIENT: client } },
        )
        expect(outcome, outcome.output).toMatchObject({ code: 30 })
      })
    }
  })

  it('a cut or changed installer is not run', async () => {
    for (const [fault, message] of [
      ['cut', /transfer broke off|no answer|cut/],
      ['corrupt', /does not fit its checksum/],
    ] as const) {
      const rules: Rule[] = [{ path: '/installer$', times: 99, fault, at: 5000 }]
      await withFaults(rules, async () => {
        using node = lookalike(cluster.network, 'debian')
        const outcome = await node.sh(
          `curl -qfsS -o /root/i 'http://${HEAD_NODE}/api/v1/install/client/installer' && sed -i 's/${HEAD_NODE}/${FAULTY_HEAD_NODE}/; s/^HTTP_TRIES=.*/HTTP_TRIES=2/; s/rounds" -lt 200/rounds" -lt 3/' /root/i && sh /root/i`,
        )
        expect(outcome.stderr).toMatch(message)
        expect([30, 35]).toContain(outcome.code)
        expect(node.has('/tmp/CLUSTERWARE_INSTALL_LOG')).toBe(false)
      })
    }
  })

  it.each(CLIENTS)('%s goes by the proxy that the environment names, and not for no_proxy', async client => {
    await withFaults([], async seen => {
      using node = lookalike(cluster.network, 'debian')
      const run = (env: Record<string, string>) =>
        node.sh(
          `curl -qfsS --noproxy '*' -o /root/i 'http://${HEAD_NODE}/api/v1/install/client/installer?pkg=deb' && sh /root/i --dry-run`,
          { env: { DISKFUL_HTTP_CLIENT: client, http_proxy: `http://${FAULTY_HEAD_NODE}:80/`, ...env } },
        )
      const by = await run({})
      expect(by, by.output).toMatchObject({ code: 0 })
      expect(seen().map(({ url }) => url)).toEqual([expect.stringMatching(/^http:\/\/10\.10\.1\.4\/.*\/plan/)])
      for (const variables of [{ no_proxy: `localhost,${HEAD_NODE}` }, { NO_PROXY: '10.0.0.0/8' }]) {
        const past = await run(variables)
        expect(past, past.output).toMatchObject({ code: 0 })
        expect(seen()).toHaveLength(1)
      }
    })
  })

  it.each(CLIENTS)('%s: a proxy that is not there is named, without its password', async client => {
    using node = lookalike(cluster.network, 'debian')
    const outcome = await node.sh(
      `curl -qfsS -o /root/i 'http://${HEAD_NODE}/api/v1/install/client/installer?pkg=deb' && sed -i 's/^HTTP_TRIES=.*/HTTP_TRIES=1/' /root/i && http_proxy=http://me:secret@${HEAD_NODE}:9/ sh /root/i`,
      { env: { DISKFUL_HTTP_CLIENT: client } },
    )
    expect(outcome, outcome.output).toMatchObject({ code: 30 })
    expect(outcome.stderr).toContain(`(by ${client} through the proxy ${HEAD_NODE}:9)`)
    expect(outcome.stderr).not.toContain('secret')
  })

  it('without a tool for SHA-256 it refuses, unless it is told', async () => {
    using node = lookalike(cluster.network, 'debian')
    await node.sh(`curl -qfsS -o /root/i 'http://${HEAD_NODE}/api/v1/install/client/installer?pkg=deb'`)
    node.remove(...['sha256sum', 'shasum', 'openssl', 'busybox', 'python3', 'perl'].map(tool => `/usr/bin/${tool}`))
    const refused = await node.sh('sh /root/i')
    expect(refused, refused.output).toMatchObject({ code: 33 })
    expect(refused.stderr).toContain('--no-checksum')
    expect(node.has('/var/lib/diskful/downloads')).toBe(false)
    const told = await node.sh('sh /root/i --no-checksum --dry-run')
    expect(told, told.output).toMatchObject({ code: 10 })
    expect(told.stderr).toContain('downloads are not checked')
  })
})
