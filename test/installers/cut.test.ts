import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { useCluster } from './support/cluster.ts'
import { BASE_URL } from './support/head-node.ts'
import { lookalike } from './support/lookalikes.ts'
import { canUseRoots } from './support/needs.ts'
import type { Node } from './support/node.ts'
import { buildDeb, buildRpm, type PackageRecipe } from './support/packages.ts'

const SLOTS = ['pre', 'post', 'preun', 'postun'] as const

/** Its scriptlets end every process of the node where /root/cut names them: as when the power goes, right there. */
function app(version: string, exact: boolean): PackageRecipe {
  const scripts = SLOTS.map(slot => {
    const turn = `${slot}-${version}`
    return [slot, `echo ${turn} >>/var/log/turns\nif [ "$(cat /root/cut 2>/dev/null)" = ${turn} ]; then kill -9 -1; fi`]
  })
  return {
    name: 'app',
    version,
    // The RPM of the other half's version will not do.
    requires: [exact ? `lib = ${version}` : `lib >= ${version}`],
    files: { '/usr/lib/app/same': version, [`/usr/lib/app/only-${version}`]: version },
    scripts: Object.fromEntries(scripts) as NonNullable<PackageRecipe['scripts']>,
  }
}

const lib = (version: string): PackageRecipe => ({ name: 'lib', version, files: { '/usr/lib/lib': version } })

const KINDS = {
  deb: {
    system: 'debian',
    build: buildDeb,
    tools: { 'apt-get': [], dpkg: ['apt-get', 'apt'] },
    installed: `dpkg --audit; dpkg --verify app lib; dpkg-query -W -f '\${Package} \${Status} \${Version}\n' app lib`,
    expected: 'app install ok installed 2.0-1\nlib install ok installed 2.0-1\n',
  },
  rpm: {
    system: 'rhel',
    build: buildRpm,
    tools: { dnf: [], rpm: ['dnf', 'dnf-3', 'zypper'] },
    installed: 'rpm -V app lib; rpm -q app lib',
    expected: 'app-2.0-1.noarch\nlib-2.0-1.noarch\n',
  },
} as const
type Kind = keyof typeof KINDS

const CUTS = {
  installation: ['pre-2.0', 'post-2.0'],
  upgrade: ['preun-1.0', 'pre-2.0', 'post-2.0', 'postun-1.0'],
} as const

const rows = (Object.keys(KINDS) as Kind[]).flatMap(kind =>
  Object.entries<readonly string[]>(KINDS[kind].tools).flatMap(([tool, without]) =>
    Object.entries(CUTS).flatMap(([action, turns]) => turns.map(turn => ({ kind, tool, without, action, turn }))),
  ),
)

describe.skipIf(!canUseRoots())('a node that loses its power in a scriptlet', () => {
  let old: string
  const cluster = useCluster({
    env: { CLIENT_PACKAGES: 'app', ENABLE_SERVICES: 'none' },
    prepare: packages => {
      old = join(packages, '../old')
      for (const kind of Object.keys(KINDS) as Kind[]) {
        mkdirSync(join(old, kind), { recursive: true })
        for (const recipe of [app('1.0', kind === 'rpm'), lib('1.0')]) KINDS[kind].build(join(old, kind), recipe)
        for (const recipe of [app('2.0', kind === 'rpm'), lib('2.0')]) KINDS[kind].build(join(packages, kind), recipe)
      }
    },
  })

  it.concurrent.each(rows)('$action by $tool, cut in $turn: the next run completes it', async row => {
    const { kind, without, action, turn } = row
    const { system, installed, expected } = KINDS[kind]
    using node = lookalike(cluster.network, system)
    node.remove(...without.map(tool => `/usr/bin/${tool}`))
    if (action === 'upgrade') await installOld(node, kind)
    node.write('/root/cut', `${turn}\n`)
    const cut = await node.sh(`curl -qfsS -o /root/i '${BASE_URL}/installer?pkg=${kind}'; sh /root/i >/root/said 2>&1`)
    expect(cut.code, node.read('/root/said')).toBe(137)
    expect(node.read('/var/log/turns').trim().split('\n').at(-1)).toBe(turn)

    node.remove('/root/cut')
    const again = await node.sh('sh /root/i')
    expect(again, again.output).toMatchObject({ code: 0 })
    const { stdout } = await node.sh(installed)
    expect(stdout).toBe(expected)
    expect((await node.sh('ls /usr/lib/app; cat /usr/lib/app/same /usr/lib/lib')).stdout).toBe('only-2.0\nsame\n2.02.0')
    expect(node.read('/var/log/turns')).toContain('post-2.0')
    expect(node.has('/usr/sbin/policy-rc.d')).toBe(false)
    expect((await node.sh('sh /root/i')).stdout).toContain('0 installed, 2 already there')
  })

  async function installOld(node: Node, kind: Kind): Promise<void> {
    node.copyIn(join(old, kind), '/root/old')
    const outcome = await node.sh(kind === 'deb' ? 'dpkg -i /root/old/*.deb' : 'rpm -U /root/old/*.rpm')
    expect(outcome, outcome.output).toMatchObject({ code: 0 })
  }
})
