import { createHash, timingSafeEqual } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { type Context, Hono } from 'hono'
import type { ApiDependencies, ApiEnv } from './dependencies.ts'
import { Problem, problemResponse } from './http/problem.ts'
import { readinessOf } from './readiness.ts'

/** What operators see, on a port of its own: metrics, health, what cannot be read, and the actions. */
export function createOpsApp(dependencies: ApiDependencies): Hono<ApiEnv> {
  const { catalog, config, logger, metrics } = dependencies
  const app = new Hono<ApiEnv>()
  const look = readinessOf(dependencies)

  app.get('/metrics', async c =>
    c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
  )
  app.get('/healthz', c => c.text('ok\n'))
  app.get('/readyz', async c => {
    const found = await look()
    return c.json(found, found.status === 'not ready' ? 503 : 200)
  })
  app.get('/catalog/errors', c => c.json(catalog.status().errors))
  app.get('/reports', async c => c.json((await dependencies.reports?.list()) ?? []))
  app.get('/', async c => c.json({ service: 'api', pid: process.pid, ...(await look()), see: PATHS }))
  app.post('/catalog/refresh', async c => {
    requireOperator(c, config)
    logger.info('catalog refresh asked for on the ops port')
    await catalog.refresh()
    return c.json(catalog.status().counts)
  })

  app.notFound(c =>
    problemResponse(c, {
      status: 404,
      code: 'no-such-route',
      title: 'Nothing here',
      detail: `See ${PATHS.join(', ')}.`,
    }),
  )
  app.onError((error, c) => {
    if (error instanceof Problem) return problemResponse(c, error.facts)
    logger.error({ err: error }, 'ops request failed')
    return problemResponse(c, { status: 500, code: 'internal-error', title: 'Failed', detail: 'The log says why.' })
  })
  return app
}

const PATHS = ['/metrics', '/healthz', '/readyz', '/catalog/errors', '/reports', 'POST /catalog/refresh']

/** Reading is free on this port; acting takes the token, or, without one, a port that only this machine reaches. */
function requireOperator(c: Context, { opsHost, opsToken }: { opsHost: string; opsToken: string | undefined }): void {
  if (opsToken !== undefined) {
    const [, given = ''] = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '') ?? []
    if (!sameSecret(given, opsToken)) throw refused(401, 'Send the token of OPS_TOKEN: Authorization: Bearer …')
    return
  }
  if (!isLoopback(opsHost))
    throw refused(403, 'Actions need OPS_TOKEN to be set where OPS_HOST is no loopback address.')
  if (c.req.header('origin') !== undefined) throw refused(403, 'Web pages may not act here; set OPS_TOKEN.')
}

function sameSecret(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

function refused(status: 401 | 403, detail: string): Problem {
  const headers: Record<string, string> = status === 401 ? { 'www-authenticate': 'Bearer' } : {}
  return new Problem({ status, code: 'not-allowed', title: 'Not without permission', detail, headers })
}
