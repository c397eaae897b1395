import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, listens } from './ports.ts'
import { type RunningProcess, startProcess } from './processes.ts'
import { redisServer } from './requires.ts'

/** A Redis for tests. What they write there carries names of their own: REDIS_URL may be anybody's. */
export interface TestRedis {
  url: string
  stop(): Promise<void>
}

/**
 * A Redis for the tests of one file: that of REDIS_URL, else a server of the PATH on a free port, else a container.
 * Ask `requireRedis()` first, which skips aloud where none can be had.
 */
export async function startRedis(): Promise<TestRedis> {
  const url = process.env.REDIS_URL
  if (url) return { url, stop: async () => {} }
  if (redisServer() !== undefined) return await OwnRedis.start()
  return await startContainer()
}

/** A redis-server (or valkey-server) that a test may stop, kill, empty and start again on the same port. */
export class OwnRedis implements TestRedis {
  readonly port: number
  readonly url: string
  readonly folder: string
  readonly #options: readonly string[]
  #process: RunningProcess | undefined

  /** @param options as on its command line, after those that tests need */
  constructor(port: number, options: readonly string[] = []) {
    this.port = port
    this.#options = options
    this.url = `redis://127.0.0.1:${port}`
    this.folder = mkdtempSync(join(tmpdir(), 'diskful-redis-data-'))
  }

  static async start(options: readonly string[] = []): Promise<OwnRedis> {
    const redis = new OwnRedis(await freePort(), options)
    await redis.start()
    return redis
  }

  get running(): boolean {
    return this.#process !== undefined && this.#process.exit === undefined
  }

  /** Starts it on its port, with the data that the last shutdown left, if any. */
  async start(): Promise<void> {
    const server = redisServer()
    if (server === undefined) throw new Error('no redis-server or valkey-server on the PATH')
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder]
    this.#process = await startProcess({
      name: 'redis',
      command: server,
      args: [
        ...own,
        '--save',
        '',
        '--appendonly',
        'yes',
        '--appendfsync',
        'everysec',
        '--maxmemory-policy',
        'noeviction',
        ...this.#options,
      ],
      ready: () => listens(this.port),
    })
  }

  /** kill -9; its append-only file stays for the next start. */
  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  /** It hangs: connections stay, nothing is answered. */
  pause(): void {
    this.#process?.signal('SIGSTOP')
  }

  resume(): void {
    this.#process?.signal('SIGCONT')
  }

  /** Forgets all data; only while it is stopped. */
  wipe(): void {
    if (this.running) throw new Error('stop Redis first')
    rmSync(this.folder, { recursive: true, force: true })
    mkdirSync(this.folder)
  }

  async stop(): Promise<void> {
    await this.#process?.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function startContainer(): Promise<TestRedis> {
  const { GenericContainer, Wait } = await import('testcontainers')
  const container = await new GenericContainer('valkey/valkey:8-trixie')
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forListeningPorts())
    .start()
  const url = `redis://${container.getHost()}:${container.getMappedPort(6379)}`
  return { url, stop: async () => void (await container.stop()) }
}
