import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

const SPECS = join(import.meta.dirname, '../tar-fixtures')
const CLI = join(import.meta.dirname, '../../../packages/rpm-format/src/cli.ts')

/** Builds tar-fixtures/NAME.spec with `%{step}` set, and answers the RPM's path. */
export function buildRpm(folder: string, name: string, step: number): string {
  const top = join(folder, `${name}-${step}`)
  const macros = {
    _topdir: top,
    step,
    source_date_epoch_from_changelog: 0,
    clamp_mtime_to_source_date_epoch: 1,
    use_source_date_epoch_as_buildtime: 1,
    _build_id_links: 'none',
    debug_package: '%{nil}',
    __os_install_post: '%{nil}',
  }
  const defines = Object.entries(macros).flatMap(([macro, value]) => ['--define', `${macro} ${value}`])
  const result = spawnSync('rpmbuild', ['-bb', ...defines, join(SPECS, `${name}.spec`)], {
    encoding: 'utf8',
    env: { ...process.env, SOURCE_DATE_EPOCH: '1700000000', LC_ALL: 'C.UTF-8' },
  })
  if (result.status !== 0) throw new Error(`rpmbuild ${name}: ${result.stderr}`)
  const arch = readdirSync(join(top, 'RPMS'))[0]!
  return join(top, 'RPMS', arch, readdirSync(join(top, 'RPMS', arch))[0]!)
}

/** What the head node would send for an RPM. */
export function convert(folder: string, rpm: string): string {
  mkdirSync(folder, { recursive: true })
  const tar = join(folder, `${basename(rpm, '.rpm')}.tar.gz`)
  execFileSync(process.execPath, [CLI, 'tar', '--layout', 'scyld', '--compress', 'gzip', '-o', tar, rpm], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return tar
}

/** Opens every fifo below a folder again and again, for reading and writing, since that waits for nobody. */
const READ_FIFOS =
  'while :; do find "$1" -type p 2>/dev/null | while IFS= read -r fifo; do : <>"$fifo"; done; sleep 0.1; done'

/**
 * rpm itself, into a root. Debian's wants to be told that it may; and it opens a fifo that it has made, so that it waits
 * until somebody reads there.
 */
export function rpm(root: string, ...args: string[]): { code: number; output: string } {
  const reader = spawn('sh', ['-c', READ_FIFOS, 'sh', root], { stdio: 'ignore' })
  try {
    return rpmItself(root, args)
  } finally {
    reader.kill('SIGKILL')
  }
}

function rpmItself(root: string, args: readonly string[]): { code: number; output: string } {
  const always = ['--root', root, '--dbpath', '/var/lib/rpm', '--force-debian', '--nosignature']
  const result = spawnSync('rpm', [...always, ...args], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    timeout: 30_000,
    killSignal: 'SIGKILL',
  })
  return { code: result.status ?? 128, output: result.stdout + result.stderr }
}
