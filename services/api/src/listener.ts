import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { getRequestListener, RequestError } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Hono } from 'hono'
import type { ApiDependencies, ApiEnv } from './dependencies.ts'
import { problemDocument } from './http/problem.ts'
import type { FileBody } from './send/file-body.ts'
import { ReadBudget } from './send/read-budget.ts'
import { sendFile } from './send/send-file.ts'

/** HTTP/1.0 requests may come without a Host field. */
const HOST_WHERE_NONE_IS_NAMED = 'localhost'
/** Longer than load balancers keep connections idle, so that they never write into one that is just being closed. */
const KEEP_ALIVE_MS = 75_000

type ListenerDependencies = Pick<ApiDependencies, 'logger' | 'metrics' | 'isStopping'> & { budget?: ReadBudget }

/** An HTTP server for the app, that sends the files its routes leave in `c.env.fileBody`. */
export function createHttpServer(app: Hono<ApiEnv>, dependencies: ListenerDependencies): Server {
  const budget = dependencies.budget ?? new ReadBudget()
  const listener = getRequestListener(
    async (request, bindings) => {
      const env = bindings as NodeEnv
      if (dependencies.isStopping?.()) env.outgoing.shouldKeepAlive = false
      const response = await app.fetch(request, env)
      if (env.fileBody === undefined) return response
      if (!response.ok) {
        await env.fileBody.close() // something after the route failed and answered in its place
        return response
      }
      await send(env.outgoing, response, env.fileBody)
      return RESPONSE_ALREADY_SENT
    },
    { hostname: HOST_WHERE_NONE_IS_NAMED, errorHandler: answerUnusable },
  )

  async function send(outgoing: ServerResponse, response: Response, body: FileBody): Promise<void> {
    const headers = Object.fromEntries(response.headers)
    const result = await sendFile(outgoing, { status: response.status, headers }, body, budget)
    dependencies.metrics.sent(body.type, body.sent)
    if (result.end === 'complete') return
    dependencies.metrics.aborted(result.end)
    if (result.end === 'failed') {
      const requestId = outgoing.getHeader('x-request-id')
      dependencies.logger.error({ requestId, err: result.error, sent: body.sent }, 'download cut off')
    }
  }

  function answerUnusable(error: unknown): Response {
    if (!(error instanceof RequestError)) dependencies.logger.error({ err: error }, 'request failed outside of the app')
    const [status, code, detail] =
      error instanceof RequestError
        ? ([400, 'bad-request', error.message] as const)
        : ([500, 'internal-error', 'The log says why.'] as const)
    return new Response(problemDocument({ status, code, title: 'The request cannot be understood', detail }), {
      status,
      headers: { 'content-type': 'application/problem+json' },
    })
  }

  return createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 60_000, headersTimeout: 30_000 },
    (incoming, outgoing) => {
      void listener(incoming, outgoing)
    },
  )
}

type NodeEnv = ApiEnv['Bindings'] & { incoming: IncomingMessage; outgoing: ServerResponse }
