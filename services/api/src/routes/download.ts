import { PACKAGE_TYPES, TAR_FORMATS } from '@diskful/conversion'
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { ApiDependencies, ApiEnv } from '../dependencies.ts'
import type { Artifact } from '../downloads/artifact.ts'
import { type AskedName, askedName } from '../downloads/asked-name.ts'
import { PackageDownloads } from '../downloads/packages.ts'
import { TarDownloads } from '../downloads/tars.ts'
import { checksumResponse } from '../http/checksum-response.ts'
import { fileResponse } from '../http/file-response.ts'
import { Problem } from '../http/problem.ts'
import { problemOfValidation } from '../http/validation.ts'
import type { PackageType } from '../ports.ts'
import { downloadResponses } from './download-responses.ts'

const name = z.string().openapi({
  param: { name: 'name', in: 'path' },
  description:
    'File name, NEVRA, NVR or name (then the newest). With `.sha256` at its end: one line for `sha256sum -c`.',
  example: 'clusterware-node',
})
const arch = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,32}$/)
  .optional()
  .openapi({ description: 'Only for this architecture; amd64 = x86_64, arm64 = aarch64', example: 'x86_64' })
const format = z
  .enum(TAR_FORMATS)
  .optional()
  .openapi({ description: "Of the TAR; unset means an admin's own TAR as it is, else tar.gz" })

const packageRoute = (type: 'rpm' | 'deb') =>
  createRoute({
    method: 'get',
    path: `/download/${type}/{name}`,
    summary: `An ${type.toUpperCase()} package as it lies on the head node`,
    request: { params: z.object({ name }), query: z.object({ arch }) },
    responses: downloadResponses,
  })

const tarRoute = createRoute({
  method: 'get',
  path: '/download/tar/{name}',
  summary: 'A package as TAR: made from its RPM where there is none yet',
  request: { params: z.object({ name }), query: z.object({ arch, format }) },
  responses: downloadResponses,
})

/** `GET|HEAD /download/{rpm,deb,tar}/{name}`, with or without `.sha256`. */
export function downloadRoutes(dependencies: ApiDependencies): OpenAPIHono<ApiEnv> {
  const { config, metrics } = dependencies
  const packages = new PackageDownloads(dependencies)
  const tars = new TarDownloads(dependencies, packages)
  const routes = new OpenAPIHono<ApiEnv>({ defaultHook: problemOfValidation })

  const send = (c: Context<ApiEnv>, artifact: Artifact): Promise<Response> => {
    const { type, fileName } = artifact
    c.set('logged', { ...c.get('logged'), type, file: fileName })
    return fileResponse(c, artifact, config)
  }
  for (const type of ['rpm', 'deb'] as const) {
    routes.openapi(packageRoute(type), async c => {
      const { name, wantsChecksum } = nameOf(c, type)
      const wanted = { type, name, arch: c.req.valid('query').arch }
      if (wantsChecksum) return checksumResponse(c, await packages.checksum(wanted))
      return send(c, await packages.open(wanted))
    })
  }
  routes.openapi(tarRoute, async c => {
    const { name, wantsChecksum } = nameOf(c, 'tar')
    const asked = { name, ...c.req.valid('query') }
    const asker = { requestId: c.get('requestId'), signal: c.req.raw.signal }
    if (wantsChecksum) return checksumResponse(c, await tars.checksum(asked, asker))
    const { artifact, origin } = await tars.open(asked, asker)
    metrics.tar(origin)
    c.set('logged', { tar: origin })
    return send(c, artifact)
  })
  for (const type of PACKAGE_TYPES) {
    routes.get(`/download/${type}/*`, () => {
      throw noPackageName(type)
    })
  }
  return routes
}

/** From the address as it came: Hono decodes what cannot be decoded in part. */
function nameOf(c: Context<ApiEnv>, type: PackageType): AskedName {
  const [path = ''] = c.req.url.split(/[?#]/, 1)
  const asked = askedName(path.slice(path.lastIndexOf('/') + 1))
  if (asked === undefined) throw noPackageName(type)
  return asked
}

function noPackageName(type: string): Problem {
  return new Problem({
    status: 400,
    code: 'bad-package-name',
    title: 'Not the name of a package',
    detail: `After /download/${type}/ comes one name: letters, digits and _ . + ~ ^ : % @ , = - with a letter, digit or _ first, at most 255 of them.`,
  })
}
