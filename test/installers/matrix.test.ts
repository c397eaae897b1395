import { lstatSync, readlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { requireTool } from '../support/requires.ts'
import { useCluster } from './support/cluster.ts'
import { BASE_URL, withExamplePackages } from './support/head-node.ts'
import {
  type Client,
  downloadLine,
  lookalike,
  type Shell,
  type System,
  startsSeen,
  watchSystemctl,
} from './support/lookalikes.ts'
import { canUseRoots } from './support/needs.ts'
import { Node } from './support/node.ts'

const SYSTEMS: System[] = ['debian', 'rhel', 'sonic', 'cumulus', 'unknown']
const CLIENTS: Client[] = ['curl', 'wget', 'busybox', 'python3']
const SHELLS: Shell[] = ['dash', 'bash', 'busybox']
const EXPECTED = { debian: 'deb', rhel: 'rpm', sonic: 'deb', cumulus: 'deb', unknown: 'tar' } as const
const IS_INSTALLED = {
  rpm: 'rpm -q clusterware-node',
  deb: 'dpkg-query -W clusterware-node',
  tar: 'test -s /opt/scyld/clusterware-node/pkg/meta/package.tsv',
}

const rows = SYSTEMS.flatMap(system =>
  CLIENTS.flatMap(client => SHELLS.map(shell => ({ system, client, shell }))),
).filter(({ client, shell }) => !(client === 'python3' && shell === 'busybox'))

describe.skipIf(!canUseRoots())('from one download to an installed node', () => {
  const cluster = useCluster(withExamplePackages)

  it.concurrent.each(rows)('$system with $client, $shell as /bin/sh', async ({ system, client, shell }) => {
    using node = lookalike(cluster.network, system, client, shell)
    watchSystemctl(node)
    const outcome = await node.sh(
      `cd /root && ${downloadLine(client, `${BASE_URL}/installer`, 'cw-preinst')} && sh cw-preinst`,
    )
    expect(outcome, outcome.output).toMatchObject({ code: 0 })
    const kind = EXPECTED[system]
    expect(outcome.stdout).toMatch(/diskful: 2 installed \(.*clusterware-node-1.0.0-1.*enabled, not started/)

    expect((await node.sh(IS_INSTALLED[kind], { shell: ['/bin/bash', '-c'] })).code).toBe(0)
    const wanted = '/etc/systemd/system/multi-user.target.wants/cw-status-updater.service'
    expect(readlinkSync(node.path(wanted))).toMatch(/systemd\/system\/cw-status-updater.service$/)
    expect(startsSeen(node)).toEqual([])

    expect(node.read('/tmp/CLUSTERWARE_PRESINSTALL_LOG')).toContain(`downloads by ${client}`)
    expect(node.read('/tmp/CLUSTERWARE_INSTALL_LOG')).toContain('clusterware-node')
    expect(lstatSync(node.path('/tmp/CLUSTERWARE_INSTALL_LOG')).mode & 0o777).toBe(0o600)
    const facts = { installer: kind, result: 'installed', exit_code: '0', os: system, arch: 'x86_64' }
    expect(cluster.head.reports(node.name).map(({ fields }) => fields)).toMatchObject([facts])
    // Nothing of the run is left.
    expect((await node.sh('ls -A /var/tmp; ls -A /var/lib/diskful')).stdout).not.toMatch(
      /diskful\.|lock|pending|downloads/,
    )
  })

  it('busybox and nothing else', async () => {
    using node = new Node('busybox', cluster.network)
    const outcome = await node.sh(`cd /root && wget -q -O cw-preinst ${BASE_URL}/installer && sh cw-preinst`)
    expect(outcome, outcome.output).toMatchObject({ code: 0 })
    expect(node.read('/opt/scyld/clusterware-node/pkg/meta/package.tsv')).toContain('clusterware-node')
    const wanted = '/etc/systemd/system/multi-user.target.wants/cw-status-updater.service'
    expect(readlinkSync(node.path(wanted))).toBe('/usr/lib/systemd/system/cw-status-updater.service')
    expect(cluster.head.reports(node.name).at(-1)?.fields).toMatchObject({ installer: 'tar', result: 'installed' })
  })

  it.skipIf(!requireTool('qemu-aarch64-static'))('an aarch64 machine gets what is for it', async () => {
    using node = new Node('busybox-arm64', cluster.network)
    const outcome = await node.sh(`cd /root && wget -q -O cw-preinst ${BASE_URL}/installer && sh cw-preinst`)
    expect(outcome, outcome.output).toMatchObject({ code: 0 })
    expect(node.read('/opt/scyld/clusterware-node/pkg/meta/package.tsv')).toContain('arch\taarch64')
    expect(cluster.head.reports(node.name).at(-1)?.fields).toMatchObject({ installer: 'tar', arch: 'aarch64' })
  })

  it('a second run finds everything there and says so', async () => {
    for (const system of ['debian', 'rhel', 'unknown'] as const) {
      using node = lookalike(cluster.network, system)
      const preinstaller = await node.sh(`curl -fsS -o /root/cw-preinst ${BASE_URL}/installer && sh /root/cw-preinst`)
      expect(preinstaller.code).toBe(0)
      const again = await node.sh('sh /root/cw-preinst')
      expect(again, again.output).toMatchObject({ code: 0 })
      expect(again.stdout).toContain('0 installed, 2 already there')
      expect(cluster.head.reports(node.name).at(-1)?.fields).toMatchObject({ result: 'present' })
    }
  })

  describe('the lines of the document, as printed', () => {
    it.each([
      ['curl -o cw-preinst http://10.10.1.4/api/v1/install/client/installer', 'cw-preinst'],
      // Unquoted: the shell sends only arch=x86_64 and makes variables of the rest.
      [
        'curl -o cw-installer http://10.10.1.4/api/v1/install/client/installer?arch=x86_64&os=rhel&pkg=rpm',
        'cw-installer',
      ],
      ['curl -o cw-installer http://10.10.1.4/api/v1/install/client/installer?pkg=tar', 'cw-installer'],
    ])('%s', async (line, script) => {
      for (const system of ['debian', 'rhel'] as const) {
        using node = lookalike(cluster.network, system, 'curl', 'bash')
        const outcome = await node.sh(`cd /root\n${line}\nwait\nsh ./${script}`)
        expect(outcome, outcome.output).toMatchObject({ code: 0 })
        expect(outcome.stdout).toContain('2 installed')
        expect(node.has('/tmp/CLUSTERWARE_PRESINSTALL_LOG')).toBe(script === 'cw-preinst')
        expect(node.has('/tmp/CLUSTERWARE_INSTALL_LOG')).toBe(true)
      }
    })

    it.each([
      [
        'curl -o mypkg.rpm http://10.10.1.4/api/v1/install/client/download/rpm/clusterware-node',
        'rpm -qp --qf %{NAME} mypkg.rpm',
      ],
      [
        'curl -o mypkg.tar.gz http://10.10.1.4/api/v1/install/client/download/tar/clusterware-node',
        'tar tzf mypkg.tar.gz ./pkg/meta/package.tsv',
      ],
    ])('%s', async (line, check) => {
      using node = lookalike(cluster.network, 'rhel')
      const outcome = await node.sh(`cd /root && ${line} && ${check}`)
      expect(outcome, outcome.output).toMatchObject({ code: 0 })
    })
  })
})
