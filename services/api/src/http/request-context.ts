import { randomUUID } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { ApiDependencies, ApiEnv } from '../dependencies.ts'
import { callerAddress } from './caller-address.ts'

const ACCEPTABLE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/
const LONGEST_LOGGED_URL = 1024

/**
 * Gives each request an id (the caller's `x-request-id` when it is a plain one), a logger that carries it, the id back in
 * the answer, and one log line and its metrics once the last byte is out.
 */
export function requestContext({
  logger,
  metrics,
}: Pick<ApiDependencies, 'logger' | 'metrics'>): MiddlewareHandler<ApiEnv> {
  return async function requestContext(c, next) {
    const began = performance.now()
    const asked = c.req.header('x-request-id')
    const requestId = asked !== undefined && ACCEPTABLE_ID.test(asked) ? asked : randomUUID()
    c.set('requestId', requestId)
    c.set('logger', logger.child({ requestId }))
    c.set('logged', {})
    // Now: a socket that was destroyed has no address any more.
    const remote = callerAddress(c)
    const outgoing = c.env?.outgoing
    // On Node's response where there is one: a small answer then needs no web Headers, which cost more than its body.
    outgoing?.setHeader('x-request-id', requestId)
    await next()
    if (outgoing === undefined) c.res.headers.set('x-request-id', requestId)

    const route = routePath(c)
    const status = c.res.status
    const done = () => {
      const ms = performance.now() - began
      metrics.request(route, c.req.method, status, ms / 1000)
      const level = /^\/(healthz|readyz)$/.test(route) ? 'debug' : 'info'
      c.get('logger')[level](
        { ...requestFacts(c), remote, status, ms: Math.round(ms * 10) / 10, ...c.get('logged') },
        'request',
      )
    }
    if (outgoing === undefined || outgoing.destroyed) done()
    else outgoing.once('close', done)
  }
}

function requestFacts(c: Context<ApiEnv>) {
  const { incoming, outgoing, fileBody } = c.env ?? {}
  return {
    method: c.req.method,
    url: (incoming?.url ?? c.req.path).slice(0, LONGEST_LOGGED_URL),
    ...(fileBody === undefined ? {} : { bytes: fileBody.sent }),
    ...(outgoing !== undefined && !outgoing.writableFinished ? { aborted: true } : {}),
  }
}
