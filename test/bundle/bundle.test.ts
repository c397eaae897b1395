import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { REPO } from '../support/head-node.ts'
import { requireRoot, requireTool } from '../support/requires.ts'

const LIBC = ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1']

/** What runs in a network namespace that has its loopback and nothing else, some of it inside the root. */
const SCRIPT = `
set -eu
ip link set lo up
chroot "$ROOT" /bin/sh /bundle/install.sh
chroot "$ROOT" /opt/diskful/bin/diskful start >"$ROOT/log" 2>&1 &
pid=$!
for _ in $(seq 100); do
  curl -sf -o "$ROOT/x.tar.gz" http://127.0.0.1:18080/api/v1/install/client/download/tar/clusterware-node && break
  sleep 0.2
done
kill -TERM "$pid"
wait "$pid"
`

describe.skipIf(!requireRoot() || !['unshare', 'ip', 'curl', 'ldd'].map(requireTool).every(Boolean))(
  'the bundle',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'diskful-bundle-test-'))
    const root = join(folder, 'root')

    beforeAll(() => {
      execFileSync('npx', ['pnpm@12', '-s', 'bundle', folder], { cwd: REPO, stdio: 'pipe' })
      const [archive = ''] = readdirSync(folder).filter(name => name.endsWith('.tar.gz'))
      layBareRoot(root)
      mkdirSync(join(root, 'bundle'))
      execFileSync('tar', ['-xzf', join(folder, archive), '-C', join(root, 'bundle'), '--strip-components=1'])
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    it('installs and makes a TAR in a root with a libc and a shell, without a network', () => {
      const environment = {
        PATH: process.env.PATH,
        ROOT: root,
        HOST: '127.0.0.1',
        PORT: '18080',
        CACHE_DIR: '/cache',
        STATE_DIR: '/state',
        LC_ALL: 'C',
      }
      const end = () => execFileSync('unshare', ['-n', 'sh', '-c', SCRIPT], { env: environment, stdio: 'pipe' })
      expect(end, existsSync(join(root, 'log')) ? readFileSync(join(root, 'log'), 'utf8') : '').not.toThrow()
      const names = execFileSync('tar', ['-tzf', join(root, 'x.tar.gz')], { encoding: 'utf8' })
      expect(names).toContain('./bin/cw-status-updater\n')
    })

    it('lays units that name the program, and keeps an environment file that is there', () => {
      const unit = readFileSync(join(root, 'etc/systemd/system/diskful.service'), 'utf8')
      const [, program = ''] = /^ExecStart=(\S+)/m.exec(unit) ?? []
      expect(existsSync(join(root, program))).toBe(true)
      const environment = join(root, 'etc/diskful/diskful.env')
      writeFileSync(environment, 'PORT=1\n')
      const upgrade = execFileSync('chroot', [root, '/bin/sh', '/bundle/install.sh'], { encoding: 'utf8' })
      expect(upgrade).toContain('systemctl try-restart')
      expect(readFileSync(environment, 'utf8')).toBe('PORT=1\n')
      expect(existsSync(join(root, 'opt/diskful.old'))).toBe(false)
    })

    it('removes program and units again, and nothing that an admin wrote or filled', () => {
      const wants = join(root, 'etc/systemd/system/multi-user.target.wants')
      mkdirSync(wants)
      for (const name of ['diskful.service', 'diskful-converter@1.service', 'other.service'])
        symlinkSync(`/etc/systemd/system/${name}`, join(wants, name))
      execFileSync('chroot', [root, '/bin/sh', '/bundle/install.sh', '--uninstall'], { stdio: 'pipe' })
      expect(readdirSync(wants)).toEqual(['other.service'])
      expect(readdirSync(join(root, 'etc/systemd/system'))).toEqual(['multi-user.target.wants'])
      expect(existsSync(join(root, 'opt/diskful'))).toBe(false)
      expect(readFileSync(join(root, 'etc/diskful/diskful.env'), 'utf8')).toBe('PORT=1\n')
      expect(readdirSync(join(root, 'cache/tar'))).toHaveLength(1)
    })
  },
)

/** The dynamic linker, the libc and a shell, from this system, and the /dev/null that every system has. */
function layBareRoot(root: string): void {
  const linked = execFileSync('ldd', [process.execPath], { encoding: 'utf8' })
  const paths = [...linked.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path ?? '')
  const wanted = paths.filter(path => LIBC.some(name => path.endsWith(`/${name}`)) || path.includes('ld-linux'))
  for (const path of [...wanted, '/bin/sh']) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    cpSync(execFileSync('readlink', ['-f', path], { encoding: 'utf8' }).trim(), join(root, path))
  }
  for (const name of ['dev', 'tmp', 'etc', 'cache', 'state']) mkdirSync(join(root, name), { recursive: true })
  execFileSync('mknod', ['-m', '666', join(root, 'dev/null'), 'c', '1', '3'])
}
