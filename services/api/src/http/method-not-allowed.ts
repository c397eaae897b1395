import type { Context, Hono } from 'hono'
import type { ApiEnv } from '../dependencies.ts'
import { problemResponse } from './problem.ts'

/** `.` or `..` between slashes, in any spelling, in a request's target as it came: Hono sees it resolved. */
const DOT_SEGMENT = /^[^?#]*\/(\.|%2e){1,2}(\/|[?#]|$)/i

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** For addresses without a handler for the method: 405 where others have one, 204 for OPTIONS, 404 elsewhere. */
export function answerUnrouted(app: Hono<ApiEnv>, c: Context<ApiEnv>): Response {
  const allowed = allowedMethods(app, c.req.path)
  if (allowed.length === 0 && DOT_SEGMENT.test(c.env?.incoming?.url ?? '')) {
    return problemResponse(c, {
      status: 400,
      code: 'dot-segments',
      title: 'No address of this service has dots for a segment',
      detail: 'A package is asked for by its name alone; nothing outside of the package folders can be had.',
    })
  }
  if (allowed.length === 0) {
    return problemResponse(c, {
      status: 404,
      code: 'no-such-route',
      title: 'There is nothing at this address',
      detail: `${c.req.path.slice(0, 200)} is no address of this service; GET / lists them.`,
    })
  }
  const allow = [...allowed, 'OPTIONS'].join(', ')
  if (c.req.method === 'OPTIONS') return c.body(null, 204, { allow })
  return problemResponse(c, {
    status: 405,
    code: 'method-not-allowed',
    title: 'Not with this method',
    detail: `${c.req.path.slice(0, 200)} answers ${allow}, not ${c.req.method}.`,
    headers: { allow },
  })
}

function allowedMethods(app: Hono<ApiEnv>, path: string): string[] {
  const methods = METHODS.filter(method =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  )
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods
}
