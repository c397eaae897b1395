import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { ApiDependencies, ApiEnv } from '../dependencies.ts'
import { bodyLimit } from '../http/body-limit.ts'
import { callerAddress } from '../http/caller-address.ts'
import { Problem } from '../http/problem.ts'
import { readFields } from '../installer/fields.ts'
import { RateLimit } from '../installer/rate-limit.ts'
import type { NodeReport } from '../installer/report-log.ts'

const LARGEST_REPORT = 16 * 1024
/** A room of nodes behind one router or proxy reports in the same minute; a flood washes out what the log keeps. */
const RATE = { burst: 200, secondsEach: 0.5 }

const reportRoute = createRoute({
  method: 'post',
  path: '/report',
  summary: 'What an installer did on a node',
  request: {
    body: {
      content: {
        'application/x-www-form-urlencoded': {
          schema: z.record(z.string(), z.string()).openapi({
            description:
              'node, installer, result (installed, present, removed, warnings, failed, rolled-back), exit_code, installed, present, removed, enabled, message, seconds, log, …',
          }),
        },
      },
    },
  },
  responses: {
    200: { description: 'Noted', content: { 'text/plain': { schema: { type: 'string' } as const } } },
    400: { description: 'Not a form' },
    404: { description: 'This head node wants no reports' },
    413: { description: 'More than 16 KiB' },
    429: { description: 'Too many from this address; Retry-After says when to come again' },
  },
})

/** `POST /report`. */
export function reportRoutes({ reports }: ApiDependencies): OpenAPIHono<ApiEnv> {
  const routes = new OpenAPIHono<ApiEnv>()
  const rate = new RateLimit(RATE)
  routes.use('/report', async (c, next) => {
    const seconds = rate.take(callerAddress(c))
    if (seconds > 0) throw tooMany(seconds)
    await next()
  })
  routes.use('/report', bodyLimit(LARGEST_REPORT, tooLarge))
  // Not openapi(): it refuses what names no type for its body, and clients of a line of shell may not.
  routes.openAPIRegistry.registerPath(reportRoute)
  routes.post('/report', async c => {
    if (reports === undefined) throw notWanted()
    const report: NodeReport = {
      at: new Date().toISOString(),
      address: callerAddress(c),
      requestId: c.get('requestId'),
      fields: await readFields(c.req),
    }
    c.get('logger').info({ report }, 'node report')
    await reports.add(report).catch((error: unknown) => {
      c.get('logger').error({ err: error }, 'a node report was not kept')
    })
    return c.text('noted\n', 200, { 'cache-control': 'no-store' })
  })
  return routes
}

function tooMany(seconds: number): Problem {
  return new Problem({
    status: 429,
    code: 'too-many-reports',
    title: 'Too many reports from this address',
    detail: `The next one is taken in ${seconds} s.`,
    headers: { 'retry-after': String(seconds) },
  })
}

function tooLarge(): never {
  throw new Problem({
    status: 413,
    code: 'body-too-large',
    title: 'The report is too long',
    detail: `A report must fit into ${LARGEST_REPORT} bytes.`,
  })
}

function notWanted(): Problem {
  return new Problem({
    status: 404,
    code: 'reports-off',
    title: 'This head node wants no reports',
    detail: 'NODE_REPORTS=off is set.',
  })
}
