import { OpenAPIHono } from '@hono/zod-openapi'
import type { ApiDependencies, ApiEnv } from './dependencies.ts'
import { Problem, problemResponse } from './http/problem.ts'
import { requestContext } from './http/request-context.ts'

const CLIENT = '/api/v1/install/client'

/** The whole public HTTP interface, ready for a listener (main.ts) or for `app.request()` (tests). */
export function createApp(dependencies: ApiDependencies): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>()
  app.use('*', requestContext(dependencies.logger))

  const client = new OpenAPIHono<ApiEnv>()
  // client.route('/', downloadRoutes(dependencies))
  // client.route('/', installerRoutes(dependencies))
  // client.route('/', planRoutes(dependencies))
  // client.route('/', reportRoutes(dependencies))
  app.route(CLIENT, client)

  app.notFound(c =>
    problemResponse(c, {
      status: 404,
      code: 'no-such-route',
      title: 'There is nothing at this address',
      detail: `${c.req.path} is not an address of this service; GET / lists them.`,
    }),
  )
  app.onError((error, c) => {
    if (error instanceof Problem) return problemResponse(c, error.facts)
    c.get('logger').error({ err: error }, 'request failed')
    return problemResponse(c, {
      status: 500,
      code: 'internal-error',
      title: 'The service failed at this request',
      detail: `The log of the API says why, at request ${c.get('requestId')}.`,
    })
  })
  return app
}
