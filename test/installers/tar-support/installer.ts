import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ScriptSources } from '../../../services/api/src/installer/script-source.ts'
import { servedScript } from '../../../services/api/src/installer/served-script.ts'

export interface Run {
  code: number
  output: string
}

/** The TAR installer as the API would serve it, for an address where nobody listens: these tests bring their TARs. */
export async function tarInstaller(services: readonly string[] = []): Promise<string> {
  return servedScript(
    {
      installer: 'tar',
      baseUrl: 'http://127.0.0.1:9/api/v1/install/client',
      arch: 'unknown',
      os: 'unknown',
      pkg: 'tar',
      packages: ['clusterware-node'],
      packagesChosen: false,
      services,
      servicesExpected: true,
      report: false,
      waitSeconds: 300,
      why: 'a test asked for it',
    },
    await new ScriptSources().body('tar'),
  )
}

/** Runs a script in a root by its /bin/sh, in a process group of its own, with a clean environment. */
export function runScript(root: string, script: string, args: readonly string[], umask = '022'): Run {
  writeFileSync(join(root, 'root/cw-installer'), script)
  const result = spawnSync(
    'setsid',
    // prettier-ignore
    [
      '--wait',
      'sh',
      '-c',
      `umask ${umask} && exec "$@"`,
      'sh',
      'chroot',
      root,
      '/bin/sh',
      '/root/cw-installer',
      ...args,
    ],
    { encoding: 'utf8', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }, timeout: 180_000, killSignal: 'SIGKILL' },
  )
  if (result.error) throw result.error
  return { code: result.status ?? 128, output: result.stdout + result.stderr }
}

/** Puts TARs into a root and installs them from there. */
export function installTars(root: string, script: string, tars: readonly string[], ...options: string[]): Run {
  const args = tars.map(tar => {
    cpSync(tar, join(root, 'root', basename(tar)))
    return `--file=/root/${basename(tar)}`
  })
  return runScript(root, script, [...args, ...options])
}

export function installLog(root: string): string {
  return readFileSync(join(root, 'tmp/CLUSTERWARE_INSTALL_LOG'), 'latin1')
}
