import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { ApiEnv } from '../src/dependencies.ts'
import { callerAddress } from '../src/http/caller-address.ts'

const app = new Hono<ApiEnv>().get('/', c => c.text(callerAddress(c)))

async function addressOf(remoteAddress: string | undefined, forwarded?: string): Promise<string> {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  const env = { incoming: { socket: { remoteAddress } } } as unknown as ApiEnv['Bindings']
  return await (await app.request('/', { headers }, env)).text()
}

describe("a caller's address", () => {
  it.each([
    ['::ffff:10.1.2.3', undefined, '10.1.2.3'],
    ['fd00::7', undefined, 'fd00::7'],
    [undefined, undefined, 'unknown'],
    ['10.1.2.3', '10.9.9.9', '10.1.2.3'],
    ['127.0.0.1', '10.9.9.9', '10.9.9.9'],
    ['::ffff:127.0.0.1', '1.1.1.1, 10.9.9.9', '10.9.9.9'],
    ['::1', '10.9.9.9, not an address', '::1'],
    ['127.0.0.1', undefined, '127.0.0.1'],
  ])('from %s, X-Forwarded-For %s: %s', async (peer, forwarded, address) => {
    expect(await addressOf(peer, forwarded)).toBe(address)
  })
})
