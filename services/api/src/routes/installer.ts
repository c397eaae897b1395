import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { ApiDependencies, ApiEnv } from '../dependencies.ts'
import { bodyLimit } from '../http/body-limit.ts'
import { Problem } from '../http/problem.ts'
import { clientBaseUrl } from '../installer/caller.ts'
import { ARCHES, aliasesOf, OSES, PKGS } from '../installer/choices.ts'
import { queryFields, readFields } from '../installer/fields.ts'
import { fromFacts, fromQuery, type InstallerRequest } from '../installer/request.ts'
import { ServedInstallers } from '../installer/served-installers.ts'
import { printable } from '../installer/shell-text.ts'

const LARGEST_FACTS = 16 * 1024

const wordOf = (table: Record<string, Parameters<typeof aliasesOf>[0]>, what: string) =>
  z
    .string()
    .optional()
    .openapi({
      description: `${what}: ${Object.entries(table)
        .map(([name, row]) => [name, ...aliasesOf(row)].join(' = '))
        .join('; ')}. Anything else counts as unknown.`,
    })

const query = z.object({
  arch: wordOf(ARCHES, 'The machine'),
  os: wordOf(OSES, 'The family of the operating system'),
  pkg: wordOf(PKGS, 'How packages are to be installed'),
  packages: z
    .string()
    .optional()
    .openapi({ description: "What to install instead of the head node's own list, separated by commas" }),
})

const script = { content: { 'text/x-shellscript': { schema: { type: 'string' } as const } } }
const responses = {
  200: {
    description:
      'A POSIX shell script. X-Diskful-Installer names it, X-Diskful-Why says why it was chosen, X-Diskful-Override is there when it is an own one of the admin',
    ...script,
  },
  400: {
    description: 'packages= is no list of names; the body is a script that says so and exits non-zero',
    ...script,
  },
  413: { description: 'More than 16 KiB of facts; the body is a script that says so and exits non-zero', ...script },
}

const getRoute = createRoute({
  method: 'get',
  path: '/installer',
  summary: 'Without parameters the pre-installer, with any of them the installer that fits',
  request: { query },
  responses,
})

const postRoute = createRoute({
  method: 'post',
  path: '/installer',
  summary: 'What the pre-installer found on a node; answers the installer that fits',
  request: {
    body: {
      content: {
        'application/x-www-form-urlencoded': {
          schema: z.record(z.string(), z.string()).openapi({
            description: 'arch, os, pkg, packages as for GET; asked_arch, asked_os, asked_pkg; raw facts by any name',
          }),
        },
      },
    },
  },
  responses,
})

/** `GET|HEAD|POST /installer`. */
export function installerRoutes({ catalog, config, reports }: ApiDependencies): OpenAPIHono<ApiEnv> {
  const installers = new ServedInstallers(catalog, { ...config, wantsReports: reports !== undefined })
  const routes = new OpenAPIHono<ApiEnv>()

  const answer = async (c: Context<ApiEnv>, request: InstallerRequest, facts: Record<string, string>) => {
    await catalog.ready
    const { installer, why, override, script } = await installers.serve(request, clientBaseUrl(c, config))
    c.set('logged', { installer, why, override, facts })
    return c.body(script, 200, {
      'content-type': 'text/x-shellscript; charset=utf-8',
      'content-length': String(script.length),
      'cache-control': 'no-store',
      'x-diskful-installer': installer,
      'x-diskful-why': printable(why),
      ...(override === undefined ? {} : { 'x-diskful-override': override }),
    })
  }

  // Neither by openapi(): it answers JSON to what it refuses (a parameter that stands twice, a body of no type), and who
  // saved that with curl would run it.
  routes.openAPIRegistry.registerPath(getRoute)
  routes.get('/installer', c => {
    const query = queryFields(c.req)
    return answer(c, fromQuery(query), query)
  })
  routes.use('/installer', bodyLimit(LARGEST_FACTS, tooLarge))
  routes.openAPIRegistry.registerPath(postRoute)
  routes.post('/installer', async c => {
    const facts = await readFields(c.req)
    return answer(c, fromFacts({ ...queryFields(c.req), ...facts }), facts)
  })
  return routes
}

function tooLarge(): never {
  throw new Problem({
    status: 413,
    code: 'body-too-large',
    title: 'Too many facts',
    detail: `What a node tells of itself must fit into ${LARGEST_FACTS} bytes.`,
  })
}
