import { OpenAPIHono } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import type { ApiDependencies, ApiEnv } from './dependencies.ts'
import { answerUnrouted } from './http/method-not-allowed.ts'
import { Problem, type ProblemFacts, problemResponse } from './http/problem.ts'
import { requestContext } from './http/request-context.ts'
import { downloadRoutes } from './routes/download.ts'
import { healthRoutes } from './routes/health.ts'
import { indexRoutes } from './routes/index.ts'
import { installerRoutes } from './routes/installer.ts'
import { planRoutes } from './routes/plan.ts'
import { reportRoutes } from './routes/report.ts'
import { ClientLeftError } from './send/connection.ts'

const CLIENT = '/api/v1/install/client'
/** For the log alone, as nginx has it: the client left before there was an answer. */
const NOBODY_THERE = 499

/** The whole public HTTP interface, ready for a listener (service.ts) or for `app.request()` (tests). */
export function createApp(dependencies: ApiDependencies): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>()
  app.use('*', requestContext(dependencies))

  app.route(CLIENT, downloadRoutes(dependencies))
  app.route(CLIENT, installerRoutes(dependencies))
  app.route(CLIENT, planRoutes(dependencies))
  app.route(CLIENT, reportRoutes(dependencies))
  app.route('/', healthRoutes(dependencies))
  app.route('/', indexRoutes(dependencies))
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Diskful', version: '1', description: 'Software for the diskful nodes of a cluster.' },
  })

  app.notFound(c => answerUnrouted(app, c))
  app.onError((error, c) => {
    if (error instanceof Problem) return problemResponse(c, error.facts)
    if (error instanceof ClientLeftError) return new Response(null, { status: NOBODY_THERE })
    if (error instanceof HTTPException && error.status < 500) return problemResponse(c, refusedByHono(error))
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

/** What Hono's own parts throw: a body that is no JSON, a wrong type of it and the like. */
function refusedByHono({ status, message }: HTTPException): ProblemFacts {
  const title = 'The request cannot be understood'
  return { status, code: 'bad-request', title, detail: message || `Refused with ${status}.` }
}
