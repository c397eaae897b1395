import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@diskful/conversion'
import { createApp } from '../../src/app.ts'
import { type ApiConfig, readConfig } from '../../src/config.ts'
import type { ApiDependencies } from '../../src/dependencies.ts'
import { createHttpServer } from '../../src/listener.ts'
import { ApiMetrics } from '../../src/metrics.ts'
import { ReadBudget } from '../../src/send/read-budget.ts'
import { FolderCatalog } from './folder-catalog.ts'
import { contentKey, MemoryStore, ScriptedQueue } from './memory-conversions.ts'

/** The API on a socket, over a folder of its own and a catalog, store and queue that do what a test says. */
export class TestService {
  readonly folder: string
  readonly catalog: FolderCatalog
  readonly store: MemoryStore
  readonly queue: ScriptedQueue
  readonly dependencies: ApiDependencies
  readonly budget = new ReadBudget()
  readonly logs: Record<string, unknown>[] = []
  readonly server: Server
  stopping = false

  private constructor(folder: string, config: Partial<ApiConfig>) {
    this.folder = folder
    this.catalog = new FolderCatalog(join(folder, 'packages'))
    this.store = new MemoryStore(join(folder, 'cache'))
    this.queue = new ScriptedQueue(this.store)
    const logs = this.logs
    this.dependencies = {
      config: { ...readConfig({ DEFAULT_ARCH: 'x86_64', CLIENTPKGS_DIR: this.catalog.folder }), ...config },
      catalog: this.catalog,
      store: this.store,
      queue: this.queue,
      conversionKey: contentKey,
      logger: createLogger('api', 'debug', { write: line => void logs.push(JSON.parse(line)) }),
      metrics: new ApiMetrics(),
      isStopping: () => this.stopping,
    }
    this.server = createHttpServer(createApp(this.dependencies), { ...this.dependencies, budget: this.budget })
  }

  static async start(config: Partial<ApiConfig> = {}): Promise<TestService> {
    const service = new TestService(await mkdtemp(join(tmpdir(), 'diskful-api-')), config)
    service.server.listen(0, '127.0.0.1')
    await once(service.server, 'listening')
    return service
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`
  }

  download(path: string): string {
    return this.url(`/api/v1/install/client/download/${path}`)
  }

  get(path: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Response> {
    return fetch(this.download(path), { headers, ...init })
  }

  connect(): Socket {
    return connect(this.port, '127.0.0.1')
  }

  /** Sends bytes as they are and returns all that comes until the server closes. */
  async raw(request: string): Promise<string> {
    const socket = this.connect()
    socket.write(request)
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString('latin1')
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    this.dependencies.metrics.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}
