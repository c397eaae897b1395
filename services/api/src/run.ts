import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createLogger } from '@diskful/conversion'
import type { ApiConfig } from './config.ts'
import { type ApiService, startApi } from './service.ts'

export interface RunOptions {
  spawnConverter?: () => ChildProcess
  /** Called once it listens. */
  onStarted?: (service: ApiService) => void | Promise<void>
}

/** Runs the API until SIGTERM or SIGINT; a second one ends the process at once. Resolves when everything is closed. */
export async function runApi(config: ApiConfig, { spawnConverter, onStarted }: RunOptions = {}): Promise<void> {
  const logger = createLogger('api', config.logLevel)
  const asked = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  const service = await startApi(config, { logger, ...(spawnConverter && { spawnConverter }) })
  logger.info(
    { address: service.address, ops: service.opsAddress, packages: config.clientPkgsDir, cache: config.cacheDir },
    'API started',
  )
  await onStarted?.(service)
  await asked
  process.once('SIGTERM', exitAtOnce)
  process.once('SIGINT', exitAtOnce)
  logger.info({ limitMs: config.shutdownMs }, 'API ends: no new connections, running answers go on')
  await service.stop()
  logger.info('API ended')
}

function exitAtOnce(): void {
  process.exit(130)
}

/** What a person has to know about a failed start; `undefined` where only the stack tells. */
export function startProblem(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const { code, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string }
  const where = `${address ?? ''} port ${port}`
  if (code === 'bad-environment') return error.message
  if (code === 'EADDRINUSE') {
    return `${where} is in use by another process. Stop that one, or set PORT (or OPS_PORT) to a free one.`
  }
  if (code === 'EACCES' && port !== undefined)
    return `${where} may not be used by this user: ports below 1024 need root.`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `${where} is no address of this machine: look at HOST and OPS_HOST.`
  }
  return undefined
}
