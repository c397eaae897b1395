import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { arch as machine } from 'node:os'
import { parseArgs } from 'node:util'
import {
  bullQueue,
  Catalog,
  type ConversionQueue,
  canonicalArch,
  createLogger,
  EnvironmentError,
  type Logger,
  localQueue,
  type PrewarmResult,
  prewarm,
  readEnvironment,
  type SharedEnvironment,
  sharedVariables,
  TAR_FORMATS,
  type TarFormat,
  TarStore,
  text,
} from '@diskful/conversion'

const USAGE = `pnpm prewarm [--wait] [--format ${TAR_FORMATS.join('|')}] [NAME…]

Makes the TARs of the named RPMs, or of all, before a node asks for them. With REDIS_URL the running converters do it,
behind what nodes ask for, and --wait waits for them; without, a converter is started for it.
`
const WAIT_MS = 24 * 3600 * 1000
const BAD_USAGE = 2

process.exit(await main())

async function main(): Promise<number> {
  const asked = readArguments()
  if (asked === undefined) return BAD_USAGE
  try {
    const environment = readEnvironment({ ...sharedVariables, DEFAULT_ARCH: text('an architecture') }, process.env)
    return await prewarmPackages(asked, environment, environment.DEFAULT_ARCH)
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

interface Asked {
  names: string[]
  wait: boolean
  format: TarFormat
}

function readArguments(): Asked | undefined {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { wait: { type: 'boolean' }, format: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    })
    const format = TAR_FORMATS.find(known => known === (values.format ?? 'tar.gz'))
    if (!values.help && format) return { names: positionals, wait: values.wait ?? false, format }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  }
  process.stderr.write(USAGE)
  return undefined
}

async function prewarmPackages(
  asked: Asked,
  environment: SharedEnvironment,
  arch: string | undefined,
): Promise<number> {
  const logger = createLogger('prewarm', 'warn', process.stderr)
  const catalog = await Catalog.open({ folder: environment.CLIENTPKGS_DIR, logger })
  const store = await TarStore.open({ folder: environment.CACHE_DIR, writable: false, logger })
  const queue = openQueue(environment, store, logger)
  const counts = new Map<string, number>()
  const onPackage = (result: PrewarmResult) => {
    counts.set(result.status, (counts.get(result.status) ?? 0) + 1)
    process.stdout.write(`${result.status}\t${result.name}${detailOf(result)}\n`)
  }
  try {
    await catalog.ready
    await prewarm({
      catalog,
      queue,
      store,
      levels: { gzipLevel: environment.GZIP_LEVEL, zstdLevel: environment.ZSTD_LEVEL },
      format: asked.format,
      requestId: `prewarm-${randomUUID()}`,
      ...(asked.names.length > 0 && { names: asked.names }),
      defaultArch: canonicalArch(arch ?? machine()),
      ...((asked.wait || environment.REDIS_URL === undefined) && { waitMs: WAIT_MS }),
      onPackage,
    })
  } finally {
    await queue.close()
    await catalog.close()
  }
  const summary = [...counts].map(([status, count]) => `${count} ${status}`).join(', ')
  process.stdout.write(`${summary || `no RPMs in ${environment.CLIENTPKGS_DIR}`}\n`)
  return ['failed', 'rejected', 'unknown-name', 'source-changed'].some(status => counts.has(status)) ? 1 : 0
}

function detailOf(result: PrewarmResult): string {
  if (result.status === 'rejected') return `\t${result.code}: ${result.message}`
  if (result.status !== 'failed') return ''
  return `\t${result.error instanceof Error ? result.error.message : String(result.error)}`
}

function openQueue(environment: SharedEnvironment, store: TarStore, logger: Logger): ConversionQueue {
  const { REDIS_URL: url, REDIS_PREFIX: prefix, CONVERT_WAIT_SECONDS: waitSeconds } = environment
  if (url !== undefined) return bullQueue({ url, prefix, store, logger, waitSeconds })
  return localQueue({ store, logger, spawn: startConverter })
}

function startConverter(): ChildProcess {
  const main = new URL('./main.ts', import.meta.url).pathname
  return spawn(process.execPath, [...process.execArgv, main], {
    env: { ...process.env, OPS_PORT: '0', LOG_LEVEL: 'error' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'json',
  })
}
