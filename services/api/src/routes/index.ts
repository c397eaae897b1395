import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { ApiDependencies, ApiEnv } from '../dependencies.ts'

const index = createRoute({
  method: 'get',
  path: '/',
  summary: 'What is here, for people',
  responses: { 200: { description: 'A page of text', content: { 'text/plain': { schema: z.string() } } } },
})

/** `/`: addresses and curl lines, with the address that the caller used. */
export function indexRoutes({ config, catalog }: ApiDependencies): OpenAPIHono<ApiEnv> {
  const routes = new OpenAPIHono<ApiEnv>()
  routes.openapi(index, c => {
    const base = config.publicUrl ?? new URL(c.req.url).origin
    const { counts } = catalog.status()
    const text = indexPage(`${base}/api/v1/install/client`, base, config.clientPackages[0] ?? 'mypkg', counts)
    return c.text(text, 200, { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  })
  return routes
}

function indexPage(
  client: string,
  base: string,
  name: string,
  counts: { rpm: number; deb: number; tar: number },
): string {
  return `Diskful: software for the diskful nodes of a cluster
Here are ${counts.rpm} RPM, ${counts.deb} DEB and ${counts.tar} TAR packages; every RPM can be had as TAR, too.

Install on a node that nothing is known of:
  curl -fo cw-preinst ${client}/installer && sh cw-preinst

Download a package, by file name, NEVRA, NVR or name:
  curl -fOJ ${client}/download/rpm/${name}
  curl -fOJ ${client}/download/deb/${name}
  curl -fOJ ${client}/download/tar/${name}        (?format=tar.gz|tar.zst|tar, ?arch=x86_64)
  curl -f ${client}/download/tar/${name}.sha256   (for sha256sum -c)

Health: ${base}/healthz ${base}/readyz
All of it, for programs: ${base}/openapi.json
`
}
