import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { Logger } from 'pino'
import type { ApiEnv } from '../dependencies.ts'

const ACCEPTABLE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

/** Gives each request an id (the caller's `x-request-id` when it is a plain one), a logger, and the id back in the answer. */
export function requestContext(logger: Logger): MiddlewareHandler<ApiEnv> {
  return async function requestContext(c, next) {
    const asked = c.req.header('x-request-id')
    const requestId = asked !== undefined && ACCEPTABLE_ID.test(asked) ? asked : randomUUID()
    c.set('requestId', requestId)
    c.set('logger', logger.child({ requestId }))
    c.header('x-request-id', requestId)
    await next()
  }
}
