import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'

export interface OpsOptions {
  host: string
  port: number
  registry: Registry
  /** Facts for /healthz; `ok: false` answers 503. */
  health: () => Promise<{ ok: boolean } & Record<string, unknown>>
}

/** GET /metrics and GET /healthz, for operators. Rejects when it cannot listen. */
export async function startOpsServer({ host, port, registry, health }: OpsOptions): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0]
    const answer = async () => {
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return send(response, 405, 'text/plain', 'GET or HEAD\n')
      if (path === '/metrics') return send(response, 200, registry.contentType, await registry.metrics())
      if (path !== '/healthz') return send(response, 404, 'text/plain', 'There are /metrics and /healthz.\n')
      const { ok, ...facts } = await health()
      send(response, ok ? 200 : 503, 'application/json', JSON.stringify({ status: ok ? 'ok' : 'degraded', ...facts }))
    }
    answer().catch((error: unknown) => send(response, 500, 'text/plain', `${String(error)}\n`))
  })
  server.listen(port, host)
  await once(server, 'listening')
  return server
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  })
  response.end(body)
}
