import type { Server } from 'node:http'
import { join } from 'node:path'
import { type Logger, TarStore } from '@diskful/conversion'
import {
  CacheSpace,
  cacheLayout,
  failFastRedis,
  GoneTars,
  memoryCrashCount,
  memoryRejections,
  memoryUsage,
  Owner,
  onNetwork,
  processLease,
  redisCrashCount,
  redisLease,
  redisRejections,
  redisUsage,
  StagingSweep,
  within,
} from '@diskful/conversion/converting'
import type { Redis } from 'ioredis'
import { BullWorker } from './bull-worker.ts'
import { CacheCare } from './cache-care.ts'
import { ConversionThreads } from './conversion-threads.ts'
import { Conversions } from './conversions.ts'
import type { ConverterEnvironment } from './environment.ts'
import { IpcWorker } from './ipc-worker.ts'
import { ConverterMetrics } from './metrics.ts'
import { startOpsServer } from './ops-server.ts'

const LOCAL_GRACE_MS = 60_000
const NETWORK_GRACE_MS = 3_600_000

export interface ConverterOptions {
  environment: ConverterEnvironment
  logger: Logger
  /** Module that calls serveConversions; the real one unless a test says otherwise. */
  threadFile?: URL
}

/** Neither a queue in Redis nor a parent that sends jobs. */
export class NoQueue extends Error {
  override readonly name = 'NoQueue'
  readonly code = 'no-queue'

  constructor() {
    super('A converter takes its jobs from Redis: set REDIS_URL. (Without Redis, `pnpm start` runs API and converter.)')
  }
}

export interface Converter {
  /** Takes no more jobs, lets conversions end within SHUTDOWN_SECONDS (or not at all), and ends everything. */
  stop(how: 'graceful' | 'now'): Promise<void>
  /** Resolves when it was stopped, by whomever. */
  readonly stopped: Promise<void>
}

/** Everything that a converter process is. */
export async function startConverter({ environment, logger, threadFile }: ConverterOptions): Promise<Converter> {
  const { REDIS_URL: url, REDIS_PREFIX: prefix, CACHE_DIR: cacheFolder, CLIENTPKGS_DIR: folder } = environment
  if (url === undefined && process.send === undefined) throw new NoQueue()
  const connection = url === undefined ? undefined : connect(url, logger)
  const redis = connection?.redis
  const notes = redis ? redisNotes(redis, prefix) : processNotes()
  const metrics = new ConverterMetrics()
  const layout = cacheLayout(cacheFolder)
  const store = await TarStore.open({ folder: cacheFolder, writable: true, logger })
  const owner = await Owner.start(layout, error => logger.debug({ error }, 'the owner file was not touched'))
  const keepGrace = await onNetwork(cacheFolder)
  const graceMs = environment.CACHE_TRASH_SECONDS * 1000 || (keepGrace ? NETWORK_GRACE_MS : LOCAL_GRACE_MS)
  const space = new CacheSpace({
    layout,
    ...(environment.CACHE_MAX_BYTES !== undefined && { maxBytes: environment.CACHE_MAX_BYTES }),
    minFreeShare: environment.CACHE_MIN_FREE_PERCENT / 100,
    lease: notes.lease,
    usage: notes.usage,
    logger,
    graceMs,
    keepGrace,
    onEvicted: (_key, bytes) => {
      metrics.evictions.inc()
      metrics.evictedBytes.inc(bytes)
    },
  })
  metrics.observeCache(() => space.held())
  const threads = new ConversionThreads({
    threadFile: threadFile ?? new URL('./conversion-thread.ts', import.meta.url),
    data: { folder, cacheFolder, owner: owner.id, logLevel: environment.LOG_LEVEL },
    staging: layout.staging,
    space,
    compressThreads: environment.COMPRESS_THREADS,
    heapMb: environment.CONVERT_HEAP_MB,
    logger,
  })
  const conversions = new Conversions({
    store,
    threads,
    rejections: notes.rejections,
    crashes: notes.crashes,
    usage: notes.usage,
    metrics,
    logger,
    limits: {
      deadlineMs: environment.CONVERT_DEADLINE_SECONDS * 1000,
      bytesPerSecond: environment.CONVERT_BYTES_PER_SECOND,
      stallMs: environment.CONVERT_STALL_SECONDS * 1000,
    },
  })
  const care = new CacheCare({
    layout,
    space,
    sweep: new StagingSweep(layout, owner.id),
    gone: new GoneTars({ store, usage: notes.usage, folder: join(folder, 'rpm') }),
    lease: notes.lease,
    metrics,
    logger,
    graceMs,
    everyMs: environment.CACHE_CARE_SECONDS * 1000,
  })
  const ops = await startOps(environment, metrics, connection, logger)
  const concurrency = environment.CONVERTER_CONCURRENCY
  const { promise: stopped, resolve: setStopped } = Promise.withResolvers<void>()
  const worker =
    redis && url !== undefined
      ? new BullWorker({ url, prefix, redis, concurrency, conversions, logger })
      : new IpcWorker({ conversions, usage: notes.usage, concurrency, logger, onStop: () => void stop('graceful') })
  if (redis) redis.once('ready', () => void care.run())
  else void care.run()
  logger.info(
    { mode: redis ? 'redis' : 'ipc', concurrency, cacheFolder, folder, opsPort: environment.OPS_PORT },
    'the converter takes jobs',
  )

  let stopping: Promise<void> | undefined
  const stop = (how: 'graceful' | 'now'): Promise<void> => {
    if (how === 'now') conversions.abort()
    stopping ??= end(how).then(setStopped)
    return stopping
  }
  const end = async (how: 'graceful' | 'now'): Promise<void> => {
    logger.info({ how }, 'the converter is ending')
    const finished = worker.finish().catch((error: unknown) => logger.debug({ error }, 'worker'))
    // Not for `finished`: without Redis a worker never ends, and has nothing to wait for.
    if (how === 'graceful') await within(conversions.idle(), environment.SHUTDOWN_SECONDS * 1000)
    conversions.abort()
    await within(finished, 2_000)
    await within(worker.close(), 2_000)
    await care.close()
    await threads.close()
    await owner.stop()
    ops?.close()
    ops?.closeAllConnections()
    redis?.disconnect()
  }
  return { stop, stopped }
}

/** Says once that Redis is away and why, and once that it is back, however often it is tried meanwhile. */
function connect(url: string, logger: Logger): { redis: Redis; trouble: () => string | undefined } {
  const redis = failFastRedis(url)
  let trouble: string | undefined
  redis.on('error', error => {
    if (trouble !== error.message) logger.warn({ reason: error.message }, 'Redis is away')
    trouble = error.message
  })
  redis.on('close', () => {
    if (trouble === undefined) logger.warn('the connection to Redis is closed')
    trouble ??= 'the connection is closed'
  })
  redis.on('ready', () => {
    logger.info('connected to Redis')
    trouble = undefined
  })
  return { redis, trouble: () => trouble }
}

function redisNotes(redis: Redis, prefix: string) {
  return {
    lease: redisLease(redis, prefix),
    usage: redisUsage(redis, prefix),
    rejections: redisRejections(redis, prefix),
    crashes: redisCrashCount(redis, prefix),
  }
}

function processNotes() {
  return { lease: processLease(), usage: memoryUsage(), rejections: memoryRejections(), crashes: memoryCrashCount() }
}

async function startOps(
  { OPS_HOST: host, OPS_PORT: port }: ConverterEnvironment,
  { registry }: ConverterMetrics,
  connection: ReturnType<typeof connect> | undefined,
  logger: Logger,
): Promise<Server | undefined> {
  if (port === 0) return undefined
  const health = async () => {
    if (connection === undefined) return { ok: true }
    const { redis, trouble } = connection
    // A Redis that hangs keeps its connections.
    const refusal = await redis.ping().then(() => undefined, String)
    return { ok: refusal === undefined, redis: redis.status, ...(refusal && { reason: trouble() ?? refusal }) }
  }
  try {
    return await startOpsServer({ host, port, registry, health })
  } catch (error) {
    // Standalone, conversions matter more than a port that another instance took.
    if (connection) throw error
    logger.warn({ error, host, port }, 'no metrics: the ops port cannot be used (OPS_PORT)')
    return undefined
  }
}
