import type { Context } from 'hono'
import type { ApiEnv } from '../dependencies.ts'
import { type AddressFacts, baseUrl } from './base-url.ts'

const CLIENT = '/api/v1/install/client'

/** `http://HOST/api/v1/install/client`, as the caller can reach it. */
export function clientBaseUrl(c: Context<ApiEnv>, config: Pick<AddressFacts, 'publicUrl' | 'port'>): string {
  const { incoming } = c.env ?? {}
  return baseUrl({ ...config, host: c.req.header('host'), socket: incoming?.socket }) + CLIENT
}
