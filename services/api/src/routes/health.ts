import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { ApiDependencies, ApiEnv } from '../dependencies.ts'
import { readinessOf } from '../readiness.ts'

const readiness = z
  .object({
    status: z.enum(['ready', 'degraded', 'not ready']),
    reasons: z.array(z.object({ code: z.string(), message: z.string() })),
    packages: z.object({ folder: z.string(), rpm: z.int(), deb: z.int(), tar: z.int(), unreadable: z.int() }),
    conversions: z.object({ converters: z.int(), waiting: z.int(), active: z.int(), waitingRequests: z.int() }),
  })
  .openapi('Readiness')

const healthz = createRoute({
  method: 'get',
  path: '/healthz',
  summary: 'Whether the process answers at all',
  responses: { 200: { description: 'It does', content: { 'text/plain': { schema: z.string() } } } },
})

const readyz = createRoute({
  method: 'get',
  path: '/readyz',
  summary: 'Whether nodes should be sent here, and what is wrong',
  responses: {
    200: { description: 'Ready, or degraded', content: { 'application/json': { schema: readiness } } },
    503: { description: 'Not ready', content: { 'application/json': { schema: readiness } } },
  },
})

export function healthRoutes(dependencies: ApiDependencies): OpenAPIHono<ApiEnv> {
  const routes = new OpenAPIHono<ApiEnv>()
  const look = readinessOf(dependencies)
  routes.openapi(healthz, c => c.text('ok\n', 200, { 'cache-control': 'no-store' }))
  routes.openapi(readyz, async c => {
    const found = await look()
    return c.json(found, found.status === 'not ready' ? 503 : 200, { 'cache-control': 'no-store' })
  })
  return routes
}
