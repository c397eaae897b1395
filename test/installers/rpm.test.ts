import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { useCluster } from './support/cluster.ts'
import { BASE_URL } from './support/head-node.ts'
import { heldLock, lookalike, startsSeen, watchSystemctl } from './support/lookalikes.ts'
import { canUseRoots } from './support/needs.ts'
import type { Node } from './support/node.ts'
import { APP, buildRpm } from './support/packages.ts'

const UNIT = '[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n'
const REPOSITORY = '[far]\nname=far\nbaseurl=http://10.10.9.9/r\nenabled=1\ngpgcheck=0\nskip_if_unavailable=0\n'

describe.skipIf(!canUseRoots())('the RPM installer', () => {
  const cluster = useCluster({
    env: { CLIENT_PACKAGES: 'app', ENABLE_SERVICES: 'noisy' },
    prepare: packages => {
      const add = (recipe: Parameters<typeof buildRpm>[1]) => buildRpm(join(packages, 'rpm'), recipe)
      add(APP)
      add({ name: 'lib', version: '1.10', files: { '/usr/lib/liblib': 'x' } })
      add({
        name: 'noisy',
        files: { '/usr/lib/systemd/system/noisy.service': UNIT, '/usr/lib/systemd/system/other.service': UNIT },
        scripts: {
          post: [
            'systemctl start noisy || :',
            'systemctl enable --now noisy || :',
            // As telegraf does: only where systemd runs, so never in a chroot or a kickstart.
            'if [ -d /run/systemd/nowhere ]; then systemctl enable other.service; fi',
          ].join('\n'),
        },
      })
      add({ name: 'greedy', requires: ['nowhere-to-be-had'] })
      add({ name: 'weak', scripts: { post: 'exit 3' } })
      add({ name: 'broken', scripts: { pre: '[ ! -e /root/fail ]' } })
      add({ name: 'thief', files: { '/usr/lib/liblib': 'mine' } })
      add({ name: 'both', arch: 'x86_64', files: { '/usr/lib64/both': '64' } })
      add({ name: 'both', arch: 'i686', files: { '/usr/lib/both': '32' } })
      add({ name: 'only32', arch: 'i686', files: { '/usr/lib/only32': '32' } })
      add({ name: 'rival', conflicts: ['thief'] })
      add({ name: 'big', files: { '/opt/big': randomBytes(2_000_000).toString('hex') } })
      add({ name: 'marked', files: { '/usr/lib/marked': 'm' }, scripts: { post: 'echo ran >>/var/log/marked' } })
    },
  })

  const fetch = `curl -qfsS -o /root/i '${BASE_URL}/installer?pkg=rpm'`
  const TOOLS = ['dnf', 'yum', 'zypper', 'rpm'] as const
  const rhel = (tool: (typeof TOOLS)[number] = 'dnf'): Node => {
    const node = watchSystemctl(lookalike(cluster.network, 'rhel'))
    if (tool === 'yum') node.copyIn(node.path('/usr/bin/dnf-3'), '/usr/bin/yum')
    const before = { dnf: [], yum: ['dnf', 'dnf-3'], zypper: ['dnf', 'dnf-3'], rpm: ['dnf', 'dnf-3', 'zypper'] }[tool]
    return node.remove(...before.map(name => `/usr/bin/${name}`))
  }

  it.each(TOOLS)('by %s: what is asked for and what that needs, with no repository to be reached', async tool => {
    using node = rhel(tool)
    node.write('/etc/yum.repos.d/far.repo', REPOSITORY)
    const outcome = await node.sh(`${fetch} && umask 077 && sh /root/i app`)
    expect(outcome, outcome.output).toMatchObject({ code: 0 })
    expect(outcome.stdout).toContain(`by ${tool}`)
    expect(outcome.stdout).toContain('2 installed (lib-1.10-1 app-2.0-1)')
    expect((await node.sh('rpm -q app lib && stat -c %a /etc/app.conf /usr/lib/liblib')).stdout).toContain('644\n644\n')
    const again = await node.sh('sh /root/i app')
    expect(again, again.output).toMatchObject({ code: 0 })
    expect(again.stdout).toContain('0 installed, 2 already there')
    expect(cluster.head.reports(node.name).map(({ fields }) => fields.result)).toEqual(['installed', 'present'])
  })

  it('starts nothing, and enables what scriptlets name even where they would not', async () => {
    for (const tool of ['dnf', 'rpm'] as const) {
      using node = rhel(tool)
      const outcome = await node.sh(`${fetch} && sh /root/i noisy`)
      expect(outcome, outcome.output).toMatchObject({ code: 0 })
      expect(startsSeen(node)).toEqual([])
      const { stdout } = await node.sh('ls /etc/systemd/system/multi-user.target.wants')
      expect(stdout).toMatch(/noisy.service\nother.service/)
    }
  })

  it('starts nothing with a systemd that knows no SYSTEMD_OFFLINE, as RHEL 7 has', async () => {
    // A running systemd 219, or what a scriptlet sees of it.
    using node = watchSystemctl(lookalike(cluster.network, 'rhel'), 219)
    node.remove('/usr/bin/dnf', '/usr/bin/dnf-3', '/usr/bin/zypper')
    const outcome = await node.sh(`mkdir -p /run/systemd/system; ${fetch} && sh /root/i noisy`)
    expect(outcome.output).toContain('1 installed (noisy-1.0-1)')
    const calls = node.read('/var/log/systemctl').split('\n')
    expect(calls.filter(call => /offline=\d (start|enable --now)/.test(call))).toEqual([])
    expect(calls).toEqual(expect.arrayContaining([expect.stringMatching(/ enable noisy$/)]))
    // And nothing of it is left over systemctl.
    expect((await node.sh('cat /proc/mounts')).stdout).not.toContain('systemctl')
  })

  it('leaves what is newer, and takes 1.10 for newer than 1.9', async () => {
    using node = rhel()
    await node.sh(`${fetch} && sh /root/i lib`)
    expect((await node.sh('rpm -q --qf %{VERSION} lib')).stdout).toBe('1.10')
    const compare = "sed -i 's/^#end/#end/' /dev/null; . /root/lib.sh"
    await node.sh(
      `sed -n '/^compare_evr() {/,/^}/p; /^split_evr() {/,/^}/p; /^compare_by_rpm() {/,/^}/p' /root/i >/root/lib.sh`,
    )
    const { stdout } = await node.sh(`${compare}; RPM=rpm
      compare_evr 0:1.10-1 1.9-1; compare_evr 1.9-1 0:1.10-1; compare_evr 1:1-1 2-1; compare_evr 1.0~rc1-1 1.0-1
      compare_evr 0:1.0-1 1.0-1; compare_evr 1.0-2 1.0-10; compare_evr 1.0-1 1.0`)
    expect(stdout.trim().split('\n')).toEqual(['1', '-1', '1', '-1', '0', '-1', '0'])
  })

  it('installs for an x86_64 node what is there for i686 only, or asked for beside its own', async () => {
    for (const tool of ['dnf', 'rpm'] as const) {
      using node = rhel(tool)
      const outcome = await node.sh(`${fetch} && sh /root/i only32 both`)
      expect(outcome, outcome.output).toMatchObject({ code: 0 })
      expect(outcome.stdout).toContain('2 installed')
      expect((await node.sh('rpm -q --qf "%{ARCH}\n" both only32')).stdout).toBe('x86_64\ni686\n')
      // Debian's rpm, unlike RHEL's, lets one take the other's place.
      if (tool === 'rpm') continue
      const beside = await node.sh('sh /root/i both.i686 both.x86_64')
      expect(beside, beside.output).toMatchObject({ code: 0 })
      expect(beside.stdout).toContain('1 installed (both-1.0-1), 1 already there')
      expect((await node.sh('rpm -q --qf "%{ARCH}\n" both')).stdout.split('\n').sort()).toEqual(['', 'i686', 'x86_64'])
      expect((await node.sh('sh /root/i both.i686 both.x86_64 only32')).stdout).toContain(
        '0 installed, 3 already there',
      )
    }
  })

  it('names the full file system, and completes it when there is room', async () => {
    for (const tool of ['dnf', 'rpm'] as const) {
      using node = rhel(tool)
      const full = await node.sh(`${fetch}; mount -t tmpfs -o size=1m t /opt; sh /root/i big`)
      expect(full, full.output).toMatchObject({ code: 24 })
      expect(full.stderr).toMatch(/FAILED \(24: .*more space on the \/opt filesystem/)
      expect((await node.sh('rpm -q big')).code).toBe(1)
      expect((await node.sh('sh /root/i big && rpm -V big')).code).toBe(0)
    }
  })

  it('waits while another rpm is at work', async () => {
    for (const tool of ['dnf', 'rpm'] as const) {
      using node = rhel(tool)
      const outcome = await node.sh(`${fetch}; ${heldLock('/var/lib/rpm/.rpm.lock', 4)} sh /root/i lib`)
      expect(outcome, outcome.output).toMatchObject({ code: 0 })
      expect(outcome.stdout).toContain('another package tool is at work: waiting for it')
      const busy = await node.sh(
        `rpm -e lib; sed -i 's/^LOCK_WAIT=.*/LOCK_WAIT=3/' /root/i; ${heldLock('/var/lib/rpm/.rpm.lock', 60)} sh /root/i lib`,
      )
      expect(busy, busy.output).toMatchObject({ code: 22 })
    }
  })

  it('logs elsewhere where /tmp is full', async () => {
    using node = rhel()
    const outcome = await node.sh(
      `${fetch}; mount -t tmpfs -o size=64k,mode=1777 t /tmp; cat /dev/zero >/tmp/full; sh /root/i lib`,
    )
    expect(outcome, outcome.output).toMatchObject({ code: 10 })
    expect(outcome.stderr).toContain('/tmp/CLUSTERWARE_INSTALL_LOG cannot be written')
    expect((await node.sh('cat /var/log/CLUSTERWARE_INSTALL_LOG.*')).stdout).toContain('1 installed (lib-1.10-1)')
  })

  it('says what is not offered, what cannot be had, what fails and what collides, each with its code', async () => {
    for (const tool of ['dnf', 'rpm'] as const) {
      using node = rhel(tool)
      node.write('/etc/yum.repos.d/far.repo', REPOSITORY)
      const missing = await node.sh(`${fetch} && sh /root/i ap`)
      expect(missing, missing.output).toMatchObject({ code: 34 })
      const apart = await node.sh('sh /root/i lib thief rival')
      expect(apart, apart.output).toMatchObject({ code: 40 })
      expect(apart.stderr).toContain('rival cannot be installed beside the rest of lib thief rival')
      expect((await node.sh('rpm -q lib')).code).toBe(1)
      const unmet = await node.sh('sh /root/i greedy')
      expect(unmet, unmet.output).toMatchObject({ code: 40 })
      expect(unmet.stderr).toContain('nowhere-to-be-had')
      expect((await node.sh('sh /root/i lib')).code).toBe(0)
      const collides = await node.sh('sh /root/i thief')
      expect(collides, collides.output).toMatchObject({ code: 42 })
      node.write('/root/fail', '')
      const failed = await node.sh('sh /root/i broken')
      expect(failed, failed.output).toMatchObject({ code: 41 })
      node.remove('/root/fail')
      expect((await node.sh('sh /root/i broken')).code).toBe(0)
      const weak = await node.sh('sh /root/i weak')
      expect(weak, weak.output).toMatchObject({ code: 10 })
      expect(weak.stdout).toMatch(/WITH \d WARNING\(S\).*weak/)
      expect(cluster.head.reports(node.name).at(-1)?.fields).toMatchObject({ result: 'warnings', exit_code: '10' })
    }
  })

  it('repairs what a run left that was cut before the scriptlets', async () => {
    using node = rhel()
    await node.sh(
      `${fetch} && mkdir -p /var/lib/diskful && cd /root && curl -qfsSO ${BASE_URL}/download/rpm/marked-1.0-1.noarch.rpm`,
    )
    await node.sh(
      'rpm -U --noscripts /root/marked-*.rpm && rm /usr/lib/marked && echo marked >/var/lib/diskful/pending',
    )
    const outcome = await node.sh('sh /root/i marked')
    expect(outcome, outcome.output).toMatchObject({ code: 0 })
    expect(outcome.stdout).toContain('repairing it')
    expect(node.read('/usr/lib/marked')).toBe('m')
    expect(node.read('/var/log/marked')).toBe('ran\n')
    expect((await node.sh('rpm -q marked')).stdout).toBe('marked-1.0-1.noarch\n')
    expect((await node.sh('sh /root/i marked')).stdout).toContain('already there')
  })

  it('where rpm does not work, it says so and what to take instead', async () => {
    using node = lookalike(cluster.network, 'debian')
    node.remove('/usr/bin/rpm')
    const outcome = await node.sh(`${fetch} && sh /root/i`)
    expect(outcome, outcome.output).toMatchObject({ code: 23 })
    expect(outcome.stderr).toContain('pkg=tar')
  })
})
