import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { useCluster } from './support/cluster.ts'
import { BASE_URL } from './support/head-node.ts'
import { heldLock, lookalike, startsSeen, watchSystemctl } from './support/lookalikes.ts'
import { canUseRoots } from './support/needs.ts'
import { APP, buildDeb } from './support/packages.ts'

const POLICY = '/usr/sbin/policy-rc.d'
const UNIT = '[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n'
const INIT =
  '#!/bin/sh\n### BEGIN INIT INFO\n# Provides: noisy\n# Default-Start: 2\n# Default-Stop: 0\n### END INIT INFO\necho "$*" >>/var/log/noisy\n'

describe.skipIf(!canUseRoots())('the DEB installer', () => {
  const cluster = useCluster({
    env: { CLIENT_PACKAGES: 'app', ENABLE_SERVICES: 'noisy' },
    prepare: packages => {
      const add = (recipe: Parameters<typeof buildDeb>[1]) => buildDeb(join(packages, 'deb'), recipe)
      add(APP)
      add({ name: 'lib', files: { '/usr/lib/liblib': randomBytes(60_000).toString('hex') } })
      add({
        name: 'noisy',
        files: {
          '/lib/systemd/system/noisy.service': UNIT,
          '/lib/systemd/system/other.service': UNIT,
          '/etc/init.d/noisy': INIT,
        },
        scripts: {
          // All the ways in which a package may start what it brings.
          post: 'systemctl start noisy\nsystemctl enable --now noisy\nsystemctl --quiet enable other.service || true\ninvoke-rc.d noisy start\ndeb-systemd-invoke restart noisy.service || true\nexit 0',
        },
      })
      add({ name: 'greedy', requires: ['nowhere-to-be-had'] })
      add({ name: 'broken', scripts: { post: '[ ! -e /root/fail ]' } })
      add({ name: 'big', files: { '/opt/big': randomBytes(2_000_000).toString('hex') } })
      add({ name: 'thief', files: { '/usr/lib/liblib': 'mine' } })
    },
  })

  const fetch = `curl -qfsS -o /root/i '${BASE_URL}/installer?pkg=deb'`
  const debian = () => watchSystemctl(lookalike(cluster.network, 'debian'))

  it('installs what is asked for and what that needs, in one command, and remembers nothing afterwards', async () => {
    using node = debian()
    const outcome = await node.sh(`${fetch} && umask 077 && sh /root/i`)
    expect(outcome, outcome.output).toMatchObject({ code: 10 }) // ENABLE_SERVICES names what app has not
    expect(outcome.stdout).toContain('2 installed (lib-1.0-1 app-2.0-1)')
    expect(outcome.stdout).toContain('noisy is not on this node although the head node wants it enabled')
    expect((await node.sh('stat -c %a /etc/app.conf /usr/lib/liblib')).stdout).toBe('644\n644\n')
    expect(node.has('/var/lib/diskful/downloads')).toBe(false)
    expect(node.has(POLICY)).toBe(false)
  })

  it('starts nothing, however a package tries, and enables what its scriptlets name, once', async () => {
    using node = debian()
    const outcome = await node.sh(`${fetch} && sh /root/i noisy`)
    expect(outcome, outcome.output).toMatchObject({ code: 0 })
    expect(startsSeen(node)).toEqual([])
    expect(node.has('/var/log/noisy')).toBe(false)
    const enabled = () => node.sh('cd /etc/systemd/system/multi-user.target.wants && ls')
    expect((await enabled()).stdout).toMatch(/noisy.service\nother.service/)
    // An admin disables one: it stays so. What the head node's list names is enabled again.
    await node.sh('systemctl disable noisy other')
    expect((await node.sh('sh /root/i noisy')).code).toBe(0)
    expect((await enabled()).stdout).toMatch(/noisy.service/)
    expect((await enabled()).stdout).not.toMatch(/other.service/)
  })

  it('leaves a policy-rc.d of somebody else as it is, and removes one that a killed run left', async () => {
    using node = debian()
    node.write(POLICY, '#!/bin/sh\nexit 101\n', 0o755)
    expect((await node.sh(`${fetch} && sh /root/i noisy`)).code).toBe(0)
    expect(node.read(POLICY)).toBe('#!/bin/sh\nexit 101\n')

    node.remove(POLICY)
    // Killed while a maintainer script runs: ours stays, and lets everything start again.
    node.write('/var/lib/dpkg/info/lib.postinst', '')
    const killed = await node.sh(
      `${fetch} && sh /root/i lib & sleep 0.1; while [ ! -e ${POLICY} ]; do sleep 0.05; done; ${POLICY} x start; echo "while: $?"; kill -9 $(sed -n 's/.*while process \\([0-9]*\\) is.*/\\1/p' ${POLICY}); sleep 1; ${POLICY} x start; echo "after: $?"; sleep 4`,
    )
    expect(killed.stdout).toContain('while: 101')
    expect(killed.stdout).toContain('after: 0')
    const next = await node.sh('sh /root/i lib')
    expect(next, next.output).toMatchObject({ code: 0 })
    expect(node.has(POLICY)).toBe(false)
  })

  it('keeps a config file that an admin changed, and what is newer than the head node has', async () => {
    using node = debian()
    await node.sh(`mkdir -p /root/old/DEBIAN /root/old/etc && cd /root/old &&
      printf 'Package: app\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: x <x@x>\\nDescription: x\\n' >DEBIAN/control &&
      echo /etc/app.conf >DEBIAN/conffiles && echo old >etc/app.conf && dpkg-deb -b . /root/old.deb && dpkg -i /root/old.deb &&
      echo edited >/etc/app.conf`)
    const outcome = await node.sh(`${fetch} && sh /root/i app`)
    expect(outcome, outcome.output).toMatchObject({ code: 0 })
    expect(node.read('/etc/app.conf')).toBe('edited\n')

    await node.sh(
      'sed -i "s/^Version.*/Version: 9/" /root/old/DEBIAN/control && dpkg-deb -b /root/old /root/new.deb && dpkg -i --force-depends /root/new.deb',
    )
    const newer = await node.sh('sh /root/i app')
    expect(newer, newer.output).toMatchObject({ code: 0 })
    expect(newer.stdout).toContain('app 2.0-1 or newer is there already')
    expect((await node.sh('dpkg-query -W app')).stdout).toBe('app\t9\n')
  })

  it('says what is not offered, what cannot be had, what fails and what collides, each with its code', async () => {
    using node = debian()
    const missing = await node.sh(`${fetch} && sh /root/i app ap`)
    expect(missing, missing.output).toMatchObject({ code: 34 })
    expect(missing.stderr).toMatch(/no deb package ap \(it has .*app/)

    node.write('/etc/apt/sources.list', 'deb http://10.10.9.9/debian bookworm main\n')
    const unmet = await node.sh('sh /root/i greedy', { seconds: 200 })
    expect(unmet, unmet.output).toMatchObject({ code: 40 })
    expect(unmet.stderr).toContain('nowhere-to-be-had')

    expect((await node.sh('sh /root/i lib')).code).toBe(0)
    const collides = await node.sh('sh /root/i thief')
    expect(collides, collides.output).toMatchObject({ code: 42 })

    node.write('/root/fail', '')
    const failed = await node.sh('sh /root/i broken')
    expect(failed, failed.output).toMatchObject({ code: 41 })
    expect(cluster.head.reports(node.name).at(-1)?.fields).toMatchObject({
      result: 'failed',
      exit_code: '41',
      installer: 'deb',
    })
    expect(cluster.head.reports(node.name).at(-1)?.fields.log).toContain('broken')
    // The next run repairs what dpkg can.
    node.remove('/root/fail')
    const repaired = await node.sh('sh /root/i broken')
    expect(repaired, repaired.output).toMatchObject({ code: 0 })
    expect((await node.sh('dpkg --audit')).stdout).toBe('')
  })

  it('works with dpkg alone, with an apt too old for files, and where repositories cannot be reached', async () => {
    using alone = debian()
    alone.remove('/usr/bin/apt-get', '/usr/bin/apt')
    const outcome = await alone.sh(`${fetch} && sh /root/i app`)
    expect(outcome, outcome.output).toMatchObject({ code: 0 })
    expect(outcome.stdout).toContain('by dpkg')

    using old = debian()
    old.write(
      '/usr/bin/apt-get',
      '#!/bin/sh\n[ "$1" != --version ] || { echo "apt 1.0.9.8 for amd64"; exit 0; }\nexit 100\n',
      0o755,
    )
    old.write('/etc/apt/sources.list', 'deb http://10.10.9.9/debian bookworm main\n')
    const outcomeOld = await old.sh(`${fetch} && sh /root/i app`)
    expect(outcomeOld, outcomeOld.output).toMatchObject({ code: 0 })
  })

  it('names the full file system, and completes it when there is room', async () => {
    for (const tool of ['apt-get', 'dpkg']) {
      using node = debian()
      if (tool === 'dpkg') node.remove('/usr/bin/apt-get', '/usr/bin/apt')
      const full = await node.sh(`${fetch}; mount -t tmpfs -o size=1m t /opt; sh /root/i big`)
      expect(full, full.output).toMatchObject({ code: 24 })
      expect(full.stderr).toMatch(/FAILED \(24: .*No space left on device/)
      const again = await node.sh('sh /root/i big && dpkg --audit && dpkg-query -W big')
      expect(again, again.output).toMatchObject({ code: 0 })
    }
  })

  it('waits while another apt or dpkg is at work', async () => {
    for (const tool of ['apt-get', 'dpkg']) {
      using node = debian()
      if (tool === 'dpkg') node.remove('/usr/bin/apt-get', '/usr/bin/apt')
      const outcome = await node.sh(`${fetch}; ${heldLock('/var/lib/dpkg/lock-frontend', 4)} sh /root/i lib`)
      expect(outcome, outcome.output).toMatchObject({ code: 0 })
      const busy = await node.sh(
        `dpkg -r lib; sed -i 's/^LOCK_WAIT=.*/LOCK_WAIT=3/' /root/i; ${heldLock('/var/lib/dpkg/lock-frontend', 60)} sh /root/i lib`,
      )
      expect(busy, busy.output).toMatchObject({ code: 22 })
    }
  })

  it('works where nothing is open, and says so where there is no /dev/null', async () => {
    using node = debian()
    const closed = await node.sh(`${fetch}; sh /root/i lib <&- >&- 2>&-`)
    expect(closed, closed.output).toMatchObject({ code: 0 })
    const noDevices = await node.sh(
      'mkdir /root/dev; mount --bind /root/dev /dev; sh /root/i noisy; rc=$?; ls /dev; exit $rc',
    )
    expect(noDevices, noDevices.output).toMatchObject({ code: 23, stdout: '' })
    expect(noDevices.stderr).toContain('mount /dev first')
  })

  it('a dry run changes nothing', async () => {
    using node = debian()
    await node.sh(fetch)
    const list = 'find / -xdev -path /proc -prune -o -newer /root/stamp -print | sort'
    await node.sh('touch /root/stamp; sleep 1')
    const outcome = await node.sh('sh /root/i --dry-run app noisy')
    expect(outcome, outcome.output).toMatchObject({ code: 0 })
    expect(outcome.stdout).toContain('app 2.0-1 is to be installed')
    // The temporary folder came and went.
    expect((await node.sh(list)).stdout.trim().split('\n')).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/^\/(etc|usr|tmp|opt|var\/lib)/)]),
    )
  })

  it('one at a time, and a dead owner’s lock is taken over', async () => {
    using node = debian()
    await node.sh(fetch)
    node.write('/var/lib/diskful/lock', '999999 1\n')
    expect((await node.sh('sh /root/i lib')).code).toBe(0)
    const busy = await node.sh(
      `sleep 60 & pid=$!; mkdir -p /var/lib/diskful; echo "$pid $(sed 's/^.*) //' /proc/$pid/stat | cut -d' ' -f20)" >/var/lib/diskful/lock; sh /root/i lib; echo "rc=$?"; kill $pid`,
    )
    expect(busy.stdout).toContain('rc=22')
    expect(node.has('/var/lib/diskful/lock')).toBe(true)
  })

  it('its log is never written through somebody else’s link, and works where /tmp is noexec', async () => {
    using node = debian()
    await node.sh(`${fetch}; echo precious >/root/precious; ln -s /root/precious /tmp/CLUSTERWARE_INSTALL_LOG`)
    const outcome = await node.sh('mount -t tmpfs -o noexec,mode=1777 t /var/tmp; sh /root/i lib')
    expect(outcome, outcome.output).toMatchObject({ code: 0 })
    expect(node.read('/root/precious')).toBe('precious\n')
    expect(
      (await node.sh('test ! -L /tmp/CLUSTERWARE_INSTALL_LOG && grep -c lib /tmp/CLUSTERWARE_INSTALL_LOG')).code,
    ).toBe(0)
    // A folder in its place.
    await node.sh('rm /tmp/CLUSTERWARE_INSTALL_LOG; mkdir /tmp/CLUSTERWARE_INSTALL_LOG')
    const beside = await node.sh('sh /root/i lib')
    expect(beside.code).toBe(10)
    expect((await node.sh('ls /tmp')).stdout).toMatch(/CLUSTERWARE_INSTALL_LOG\.\w{6}/)
  })

  it('fails cleanly where it cannot write, and where nobody is root', async () => {
    using node = debian()
    await node.sh(fetch)
    const readOnly = await node.sh('mount --bind /usr /usr && mount -o remount,bind,ro /usr && sh /root/i lib')
    expect(readOnly, readOnly.output).toMatchObject({ code: 24 })
    expect((await node.sh('dpkg-query -W lib')).code).toBe(1)
    const full = await node.sh(
      'mkdir -p /var/lib/diskful && mount -t tmpfs -o size=16k t /var/lib/diskful && sh /root/i lib; echo "rc=$?"; umount /var/lib/diskful',
    )
    expect(full.stdout).toContain('rc=24')
    const user = await node.sh('chmod 644 /root/i; chmod 755 /root; setpriv --reuid 1000 --clear-groups sh /root/i lib')
    expect(user.code).toBe(21)
  })
})
