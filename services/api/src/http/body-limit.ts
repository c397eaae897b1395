import type { MiddlewareHandler } from 'hono'
import { bodyLimit as countedBody } from 'hono/body-limit'
import type { ApiEnv } from '../dependencies.ts'

/** Refuses a request whose body is longer than `most` bytes before more of it than that was read. */
export function bodyLimit(most: number, refuse: () => never): MiddlewareHandler<ApiEnv> {
  const counted = countedBody({ maxSize: most, onError: refuse })
  return async function bodyLimit(c, next) {
    // Node's parser ends a body where Content-Length says: only one without has to be counted, at the price of a
    // web Request made from Node's, which takes longer than all the rest of a small answer.
    if (c.env?.incoming === undefined || c.req.header('transfer-encoding') !== undefined) return counted(c, next)
    if (Number(c.req.header('content-length') ?? 0) > most) refuse()
    return next()
  }
}
