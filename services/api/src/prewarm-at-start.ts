import { randomUUID } from 'node:crypto'
import { type Logger, type PrewarmResult, prewarm } from '@diskful/conversion'
import type { ApiDependencies } from './dependencies.ts'

/** PREWARM=all: asks for the TARs of all packages once they are listed, behind what nodes ask for. Never rejects. */
export async function prewarmAtStart(
  {
    catalog,
    queue,
    store,
    config,
    logger,
  }: Pick<ApiDependencies, 'catalog' | 'queue' | 'config' | 'logger'> & {
    store: Parameters<typeof prewarm>[0]['store']
  },
  signal: AbortSignal,
): Promise<void> {
  await catalog.ready
  const counts: Record<string, number> = {}
  await prewarm({
    catalog,
    queue,
    store,
    levels: config,
    requestId: `prewarm-${randomUUID()}`,
    signal,
    onPackage: result => {
      counts[result.status] = (counts[result.status] ?? 0) + 1
      if (result.status === 'failed') logFailure(logger, result)
    },
  })
  logger.info({ prewarm: counts }, 'asked for the TARs of all packages')
}

function logFailure(logger: Logger, { name, error }: Extract<PrewarmResult, { status: 'failed' }>): void {
  logger.warn({ package: name, error }, 'a package cannot be prewarmed')
}
