import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { CORPUS_TOOLS } from './corpus.ts'

/** Where to get a tool when its name is not the name of a Debian package. */
const PACKAGES: Readonly<Record<string, string>> = {
  bsdtar: 'libarchive-tools',
  busybox: 'busybox-static',
  dpkg: 'dpkg',
  'dpkg-deb': 'dpkg',
  getcap: 'libcap2-bin',
  nginx: 'nginx-light',
  python3: 'python3',
  'qemu-aarch64-static': 'qemu-user-static',
  'redis-server': 'redis-server (or valkey-server)',
  rpm2archive: 'rpm',
  rpmbuild: 'rpm',
  setcap: 'libcap2-bin',
  xz: 'xz-utils',
}

const said = new Set<string>()

/** The full path of a program on the PATH. Looks into the sbin folders too, which a user's PATH may lack. */
export function findTool(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  for (const folder of folders) {
    const path = join(folder || '.', name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // not in this folder, or not executable: the next one may have it
    }
  }
  return undefined
}

/**
 * Whether a program that a test needs is there, for `describe.skipIf(!requireTool('rpm'))`. Where it is missing, the
 * test is skipped aloud, once a program; under CI it is an error, since a check that CI skips checks nothing.
 */
export function requireTool(name: string): boolean {
  return demand(findTool(name) !== undefined, name, `install it: apt-get install ${PACKAGES[name] ?? name}`)
}

/** Whether the tests run as root, which chroots, chown and set-id bits need. */
export function requireRoot(): boolean {
  return demand(process.getuid?.() === 0, 'root', 'run them as root, in a container for instance')
}

/** Whether a Redis can be had: REDIS_URL, a server on the PATH, or a container. */
export function requireRedis(): boolean {
  return demand(
    Boolean(process.env.REDIS_URL) || redisServer() !== undefined || dockerSocket() !== undefined,
    'Redis',
    'set REDIS_URL, or put redis-server or valkey-server on the PATH, or start Docker',
  )
}

/** Whether a Redis of the tests' own can be had, one that they may stop, kill and restart. */
export function requireOwnRedis(): boolean {
  return demand(redisServer() !== undefined, 'redis-server', 'apt-get install redis-server (or valkey-server)')
}

/**
 * Whether a Docker engine answers. Under CI it is an error where tools/docker-up could have brought one up, and
 * elsewhere a skip.
 */
export function requireDocker(): boolean {
  if (spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0 && dockerAnswers()) return true
  const text = 'these tests need a Docker engine with Compose v2; start Docker'
  if (process.env.CI === 'true' && existsSync(join(CORPUS_TOOLS, 'docker-up'))) throw new Error(text)
  if (!said.has('docker')) console.warn(`skipped: ${text}`)
  said.add('docker')
  return false
}

function dockerAnswers(): boolean {
  return spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 20_000 }).status === 0
}

/** redis-server or valkey-server on the PATH. */
export function redisServer(): string | undefined {
  return findTool('redis-server') ?? findTool('valkey-server')
}

/** The Docker engine's socket, or undefined where no engine is to be expected. */
export function dockerSocket(): string | undefined {
  if (process.env.DOCKER_HOST) return process.env.DOCKER_HOST
  return existsSync('/var/run/docker.sock') ? '/var/run/docker.sock' : undefined
}

function demand(there: boolean, what: string, enable: string): boolean {
  if (there) return true
  const text = `these tests need ${what}; ${enable}`
  if (process.env.CI === 'true') throw new Error(text)
  if (!said.has(what)) console.warn(`skipped: ${text}`)
  said.add(what)
  return false
}
