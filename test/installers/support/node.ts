import { execFile, execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Network } from './network.ts'

export const ROOTS_FOLDER = process.env.DISKFUL_ROOTS ?? '/var/tmp/diskful-roots'
export type RootName = 'debian' | 'rocky' | 'busybox' | 'busybox-arm64'

export interface Outcome {
  code: number
  stdout: string
  stderr: string
  /** Both, in the order of writing. */
  output: string
}

// In a user namespace of its own: the machine's own list of interpreters stays as it is. P: with the name it was called by, F: opened now, not in the chroot.
const REGISTER_QEMU = [
  'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc',
  `printf '%s' '${[
    ':qemu-aarch64:M:',
    String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`,
    String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`,
    '/usr/bin/qemu-aarch64-static:PF',
  ].join(':')}' >/proc/sys/fs/binfmt_misc/register`,
].join(' && ')

const ROOTS: readonly RootName[] = ['debian', 'rocky', 'busybox', 'busybox-arm64']
const layers = new Map<RootName, string>()

/** Builds the roots that are not there yet (`build-root.sh`): minutes the first time, nothing later. */
export async function prepareRoots(): Promise<void> {
  const script = join(import.meta.dirname, 'build-root.sh')
  for (const name of ROOTS) {
    if (layers.has(name)) continue
    const { stdout } = await promisify(execFile)(script, [ROOTS_FOLDER, name])
    layers.set(name, stdout.trim())
  }
}

/** A machine to install on: a root of its own over a shared one, and a network. */
export class Node {
  readonly root: string
  /** Its host name. */
  readonly name: string
  readonly #folder: string
  readonly #network: Network
  readonly #foreign: boolean

  constructor(name: RootName, network: Network) {
    this.#network = network
    this.#foreign = name === 'busybox-arm64'
    this.#folder = mkdtempSync('/var/tmp/diskful-node-')
    this.root = join(this.#folder, 'root')
    this.name = this.#folder
      .slice(this.#folder.lastIndexOf('/') + 1)
      .replace('diskful-', '')
      .toLowerCase()
    const [upper, work] = [join(this.#folder, 'upper'), join(this.#folder, 'work')]
    for (const folder of [this.root, upper, work]) mkdirSync(folder)
    const options = `lowerdir=${layers.get(name)},upperdir=${upper},workdir=${work}`
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, this.root])
  }

  /** A host path of a file on the node. */
  path(file: string): string {
    return join(this.root, resolve('/', file))
  }

  write(file: string, text: string, mode = 0o644): this {
    mkdirSync(dirname(this.path(file)), { recursive: true })
    rmSync(this.path(file), { force: true })
    writeFileSync(this.path(file), text, { mode })
    return this
  }

  read(file: string): string {
    return readFileSync(this.path(file), 'utf8')
  }

  has(file: string): boolean {
    return existsSync(this.path(file))
  }

  copyIn(source: string, file: string): this {
    cpSync(source, this.path(file), { recursive: true })
    return this
  }

  remove(...files: string[]): this {
    for (const file of files) rmSync(this.path(file), { recursive: true, force: true })
    return this
  }

  /** Runs a script by the node's /bin/sh, as root, in a pid and mount namespace that ends with it. */
  async sh(
    script: string,
    options: { env?: Record<string, string>; seconds?: number; shell?: string[] } = {},
  ): Promise<Outcome> {
    const { env = {}, seconds = 120, shell = ['/bin/sh', '-c'] } = options
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    const variables = Object.entries({ PATH: path, HOME: '/root', ...env }).map(([name, value]) => `${name}=${value}`)
    const inside = ['chroot', this.root, 'env', '-i', ...variables, ...shell, script]
    const emulate = this.#foreign ? `${REGISTER_QEMU} && ` : ''
    const prepare = `${emulate}hostname "$2" && mount -t proc proc "$1/proc" && shift 2 && exec "$@"`
    const user = this.#foreign ? [join(import.meta.dirname, 'in-user-namespace.sh')] : []
    const namespaceOptions = ['--mount', '--uts', '--pid', '--fork', '--kill-child']
    const namespaces = [...user, 'unshare', ...namespaceOptions, 'sh', '-c', prepare, 'sh']
    const [enter, ...rest] = [...this.#network.enter, ...namespaces, this.root, this.name, ...inside]
    const child = spawn(enter!, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: seconds * 1000,
      killSignal: 'SIGKILL',
    })
    const outcome = { stdout: '', stderr: '', output: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        outcome[stream] += text
        outcome.output += text
      })
    }
    const code = await new Promise<number>((done, failed) => {
      child.once('error', failed)
      child.once('close', (status, signal) =>
        signal ? failed(new Error(`${signal} after ${seconds} s:\n${outcome.output}`)) : done(status!),
      )
    })
    return { code, ...outcome }
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['-l', this.root])
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
