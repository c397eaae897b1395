import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bullQueue, Catalog, conversionKey, type Logger, localQueue, TarStore } from '@diskful/conversion'
import { createApp } from './app.ts'
import type { ApiConfig } from './config.ts'
import type { ApiDependencies } from './dependencies.ts'
import { openReportLog } from './installer/open-report-log.ts'
import { createHttpServer } from './listener.ts'
import { ApiMetrics } from './metrics.ts'
import { createOpsApp } from './ops.ts'
import { prewarmAtStart } from './prewarm-at-start.ts'
import { registerServiceGauges } from './service-gauges.ts'
import { closeWithin } from './shutdown.ts'

export interface ApiService {
  catalog: Catalog
  /** Where it listens: the ports may have been 0. */
  address: AddressInfo
  opsAddress: AddressInfo | undefined
  /** Lets running answers end within the configured limit, then ends everything. */
  stop(): Promise<void>
}

export interface ApiServiceOptions {
  logger: Logger
  /** Starts a converter with an IPC channel; needed where there is no Redis. */
  spawnConverter?: () => ChildProcess
}

/** Builds the API on the real catalog, store and queue, and listens. */
export async function startApi(config: ApiConfig, { logger, spawnConverter }: ApiServiceOptions): Promise<ApiService> {
  const catalog = await Catalog.open({ folder: config.clientPkgsDir, stateFolder: config.stateDir, logger })
  const store = await TarStore.open({ folder: config.cacheDir, writable: false, logger })
  const queue = createQueue(config, store, logger, spawnConverter)
  const reports = config.nodeReports ? await openReportLog(config) : undefined
  const metrics = new ApiMetrics()
  registerServiceGauges(metrics.registry, { catalog, queue, store })
  let stopping = false
  const ending = new AbortController()
  const dependencies: ApiDependencies = {
    config,
    catalog,
    store,
    queue,
    conversionKey,
    logger,
    metrics,
    reports,
    isStopping: () => stopping,
  }
  const releaseAll = async () => {
    await queue.close()
    await reports?.close()
    metrics.close()
    await catalog.close()
  }
  try {
    const server = createHttpServer(createApp(dependencies), dependencies)
    const ops = config.opsPort === 0 ? undefined : createHttpServer(createOpsApp(dependencies), dependencies)
    const address = await listen(server, config.port, config.host)
    const opsAddress = ops && (await listen(ops, config.opsPort, config.opsHost))
    if (config.prewarm) void prewarmAtStart({ ...dependencies, store }, ending.signal)
    return {
      catalog,
      address,
      opsAddress,
      async stop() {
        stopping = true
        ending.abort()
        await closeWithin(server, config.shutdownMs, () => queue.close())
        ops?.close()
        ops?.closeAllConnections()
        await releaseAll()
      },
    }
  } catch (error) {
    await releaseAll()
    throw error
  }
}

function createQueue(config: ApiConfig, store: TarStore, logger: Logger, spawn: (() => ChildProcess) | undefined) {
  const { redisUrl, redisPrefix, maxWaiters, shutdownMs, convertWaitMs } = config
  const waitSeconds = Math.ceil(convertWaitMs / 1000)
  if (redisUrl !== undefined) {
    return bullQueue({ url: redisUrl, prefix: redisPrefix, store, logger, maxWaiters, waitSeconds })
  }
  if (spawn === undefined) throw new Error('without REDIS_URL, the API needs somebody who starts its converter')
  return localQueue({ spawn, store, logger, maxWaiters, stopMs: shutdownMs })
}

async function listen(server: Server, port: number, host: string | undefined): Promise<AddressInfo> {
  server.listen({ port, ...(host === undefined ? {} : { host }) })
  await once(server, 'listening')
  return server.address() as AddressInfo
}
