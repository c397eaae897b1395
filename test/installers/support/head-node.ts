import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { NodeReport } from '../../../services/api/src/installer/report-log.ts'
import { type RunningProcess, startProcess } from '../../support/processes.ts'
import { HEAD_NODE, type Network } from './network.ts'
import { prepareRoots } from './node.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')
const EXAMPLE_PACKAGES = join(REPOSITORY, 'examples/clientpkgs')
export const BASE_URL = `http://${HEAD_NODE}/api/v1/install/client`

export interface HeadNodeOptions {
  /** Fills CLIENTPKGS_DIR, whose folders are there already. */
  prepare: (packages: string) => void
  env?: Record<string, string>
}

export const withExamplePackages = {
  prepare: (packages: string) => cpSync(EXAMPLE_PACKAGES, packages, { recursive: true }),
} as const satisfies HeadNodeOptions

/** The real thing (and, beforehand, the roots for its nodes), started as an admin would, at http://10.10.1.4/ of a network, over packages of a test's own. */
export class HeadNode {
  /** CLIENTPKGS_DIR. */
  readonly packages: string
  readonly #folder: string
  readonly #process: RunningProcess

  private constructor(folder: string, process: RunningProcess) {
    this.#folder = folder
    this.packages = join(folder, 'packages')
    this.#process = process
  }

  static async start(network: Network, { prepare, env = {} }: HeadNodeOptions): Promise<HeadNode> {
    await prepareRoots()
    const folder = mkdtempSync('/var/tmp/diskful-head-')
    const packages = join(folder, 'packages')
    for (const kind of ['rpm', 'deb', 'tar', 'installers']) mkdirSync(join(packages, kind), { recursive: true })
    prepare(packages)
    const [command, ...args] = [...network.enter, process.execPath, join(REPOSITORY, 'start.ts')]
    const running = await startProcess({
      name: 'head-node',
      command: command!,
      args,
      env: {
        HOST: HEAD_NODE,
        PORT: '80',
        OPS_PORT: '0',
        CLIENTPKGS_DIR: packages,
        CACHE_DIR: join(folder, 'cache'),
        STATE_DIR: join(folder, 'state'),
        REDIS_URL: undefined,
        DEFAULT_ARCH: 'x86_64',
        ...env,
      },
      ready: async () => isReady(network),
      readySeconds: 60,
    })
    return new HeadNode(folder, running)
  }

  /** What nodes reported, oldest first. */
  reports(node?: string): NodeReport[] {
    const lines = readFileSync(join(this.#folder, 'state/node-reports.jsonl'), 'utf8').trim().split('\n')
    const reports = lines.map(line => JSON.parse(line) as NodeReport)
    return node === undefined ? reports : reports.filter(({ fields }) => fields.node === node)
  }

  log(): string {
    return this.#process.log()
  }

  async stop(): Promise<void> {
    await this.#process.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function isReady(network: Network): boolean {
  const [command, ...args] = [...network.enter, 'curl', '-qfsS', '-m', '2', `http://${HEAD_NODE}/readyz`]
  try {
    execFileSync(command!, args, { stdio: 'ignore' })
    return true
  } catch {
    // not yet: it is asked again
    return false
  }
}
