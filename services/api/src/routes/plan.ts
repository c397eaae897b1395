import type { PlanRow } from '@diskful/conversion'
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { ApiDependencies, ApiEnv } from '../dependencies.ts'
import { Problem } from '../http/problem.ts'
import { canonicalName, PKGS } from '../installer/choices.ts'
import { queryFields } from '../installer/fields.ts'
import { planText } from '../installer/plan-text.ts'
import { packageNames } from '../installer/request.ts'
import type { PackageType } from '../ports.ts'

const planRoute = createRoute({
  method: 'get',
  path: '/plan',
  summary: 'What a node has to download and install, in this order',
  request: {
    query: z.object({
      pkg: z.string().optional().openapi({ description: 'rpm, deb or tar', example: 'rpm' }),
      arch: z.string().optional().openapi({ description: "The node's machine", example: 'x86_64' }),
      os: z.string().optional().openapi({ description: 'The family of its system; for the log' }),
      packages: z
        .string()
        .optional()
        .openapi({ description: "Names, separated by commas; without it the head node's own list" }),
    }),
  },
  responses: {
    200: {
      description:
        'One line a file: type, name, version, file, size, sha256 and, where it is needed only beside another package, that package; separated by TABs, `-` for what is not known. `#missing NAME NEAR` for a package that is not offered, `#unresolved PACKAGE REQUIREMENT` for what the node must have itself, and at the end `#end ROWS`',
      content: { 'text/tab-separated-values': { schema: { type: 'string' } as const } },
    },
    400: { description: 'No such pkg, or no list of names' },
  },
})

/** `GET /plan`. */
export function planRoutes({ catalog, config }: ApiDependencies): OpenAPIHono<ApiEnv> {
  const routes = new OpenAPIHono<ApiEnv>()
  // Not openapi(): it refuses a parameter that stands twice, in words that are not ours.
  routes.openAPIRegistry.registerPath(planRoute)
  routes.get('/plan', async c => {
    const query = queryFields(c.req)
    const type = packageType(query.pkg)
    const packages = packageNames(query.packages) ?? config.clientPackages
    await catalog.ready
    const found = await catalog.plan({
      type,
      packages,
      arch: query.arch || undefined,
      defaultArch: config.defaultArch,
    })
    const hashOf = async (row: PlanRow) => {
      // The TAR of an RPM has its checksum once it was made; {file}.sha256 tells it.
      if (row.type !== row.entry.type) return undefined
      return catalog.sha256(row.entry).catch((error: unknown) => {
        c.get('logger').warn({ err: error, file: row.file }, 'no checksum for the plan')
        return undefined
      })
    }
    const nearTypes = type === 'tar' ? (['tar', 'rpm'] as const) : [type]
    const near = (name: string) => nearTypes.flatMap(nearType => catalog.near(nearType, name)).slice(0, 5)
    const text = await planText(found, hashOf, near)
    c.set('logged', { type, packages, rows: found.rows.length, missing: found.missing, os: query.os })
    return c.body(text, 200, {
      'content-type': 'text/tab-separated-values; charset=utf-8',
      'cache-control': 'no-store',
    })
  })
  return routes
}

function packageType(written = ''): PackageType {
  const type = canonicalName<PackageType>(PKGS, written)
  if (type !== undefined) return type
  throw new Problem({
    status: 400,
    code: 'bad-package-type',
    title: 'pkg= names no kind of package',
    detail: 'pkg must be rpm, deb or tar.',
  })
}
