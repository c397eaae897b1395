import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { freePort, until } from './ports.ts'
import { type RunningProcess, startProcess } from './processes.ts'

export const REPO = resolve(import.meta.dirname, '../..')
export const EXAMPLES = join(REPO, 'examples/clientpkgs')

type Environment = Readonly<Record<string, string | undefined>>

/** A service of ours that runs, with its addresses. */
export interface Service {
  process: RunningProcess
  /** http://127.0.0.1:PORT; of a converter: its ops port. */
  readonly url: string
  readonly opsUrl: string
  /** Starts it again with the same ports and folders, once it ended. */
  start(): Promise<void>
}

export interface StoredTar {
  path: string
  sha256: string
  size: number
  nevra: string
}

/** Folders of packages, cache and state, and the processes that a test runs over them. */
export class HeadNode {
  readonly folder = mkdtempSync(join(tmpdir(), 'diskful-head-'))
  readonly packages = join(this.folder, 'clientpkgs')
  readonly cache = join(this.folder, 'cache')
  readonly environment: Environment
  readonly #services: Service[] = []
  readonly #logs: string[] = []
  #states = 0

  constructor(environment: Environment = {}) {
    this.environment = environment
    for (const type of ['installers', 'rpm', 'deb', 'tar']) mkdirSync(join(this.packages, type), { recursive: true })
    mkdirSync(this.cache)
  }

  /** Puts a package there as an admin should: copied beside, then renamed. */
  add(file: string, type: 'rpm' | 'deb' | 'tar' = 'rpm', name = basename(file)): void {
    copyAside(file, join(this.packages, type, name))
  }

  async startStandalone(environment: Environment = {}): Promise<Service> {
    return await this.#start('standalone', 'start.ts', { REDIS_URL: undefined, ...environment })
  }

  async startApi(environment: Environment = {}): Promise<Service> {
    return await this.#start('api', 'services/api/src/main.ts', environment)
  }

  async startConverter(environment: Environment = {}): Promise<Service> {
    return await this.#start('converter', 'services/converter/src/main.ts', environment)
  }

  async #start(name: string, main: string, environment: Environment): Promise<Service> {
    const [port, opsPort] = [await freePort(), await freePort()]
    const url = `http://127.0.0.1:${name === 'converter' ? opsPort : port}`
    const own = {
      HOST: '127.0.0.1',
      PORT: String(port),
      OPS_PORT: String(opsPort),
      CLIENTPKGS_DIR: this.packages,
      CACHE_DIR: this.cache,
      STATE_DIR: join(this.folder, `state-${++this.#states}`),
    }
    const begin = async (): Promise<RunningProcess> => {
      const started = await startProcess({
        name,
        command: process.execPath,
        args: ['--import', './preflight.mjs', main],
        cwd: REPO,
        env: { ...own, ...this.environment, ...environment },
        ready: () => reachable(`${url}/healthz`),
        // On a machine that does much else, a start takes half a minute.
        readySeconds: 120,
      })
      this.#logs.push(started.logFile)
      return started
    }
    const service: Service = {
      process: await begin(),
      url,
      opsUrl: `http://127.0.0.1:${opsPort}`,
      async start() {
        service.process = await begin()
      },
    }
    this.#services.push(service)
    return service
  }

  /** Conversions that the logs of all converters tell of, of those that were killed since too. */
  conversionsLogged(): number {
    let count = 0
    for (const log of this.#logs) count += readFileSync(log, 'utf8').match(/"msg":"converted"/g)?.length ?? 0
    return count
  }

  /** Conversions under way, or left by those that were cut short; beside them lie the marks of live converters. */
  staging(): string[] {
    const folder = join(this.cache, 'staging')
    return existsSync(folder) ? readdirSync(folder).filter(name => !name.endsWith('.owner')) : []
  }

  /** All TARs that the store holds, as their meta.json describes them; folders without one are none. */
  storedTars(): StoredTar[] {
    const folder = join(this.cache, 'tar')
    const keys = existsSync(folder) ? readdirSync(folder) : []
    return keys.flatMap(key => {
      const meta = readIfThere(join(folder, key, 'meta.json'))
      if (meta === undefined) return []
      const { file, sha256, size, nevra } = JSON.parse(meta) as StoredTar & { file: string }
      return [{ path: join(folder, key, file), sha256, size, nevra }]
    })
  }

  /** Ends all processes. */
  async stop(): Promise<void> {
    await Promise.all(this.#services.map(({ process }) => process.stop(10)))
  }

  /** Ends all processes and removes the folders; the logs stay in the temporary folder. */
  async close(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Copies beside the place, then renames: nobody sees half a file. */
export function copyAside(from: string, to: string): void {
  const part = join(dirname(to), `.${basename(to)}.part`)
  copyFileSync(from, part)
  renameSync(part, to)
}

/** Waits until the API offers the named RPMs: a package counts once its file has rested for a second. */
export async function offered(service: Service, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const url = `${service.url}/api/v1/install/client/download/rpm/${name}`
    await until(async () => (await reachable(url, 'HEAD')) || undefined, {
      seconds: 30,
      otherwise: () => `the API does not offer ${name}`,
    })
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Whether something answers there, and with success. */
export async function reachable(url: string, method = 'GET'): Promise<boolean> {
  try {
    const response = await fetch(url, { method })
    await response.arrayBuffer()
    return response.ok
  } catch (error) {
    // fetch says TypeError for every connection that fails: not there yet
    if (error instanceof TypeError) return false
    throw error
  }
}
