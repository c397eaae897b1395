import { isIP } from 'node:net'
import type { Context } from 'hono'
import type { ApiEnv } from '../dependencies.ts'

/**
 * The address that the connection came from. Where that is a proxy on this machine, what the proxy says of its own
 * client: the last address of X-Forwarded-For. Others are not believed about themselves.
 */
export function callerAddress(c: Context<ApiEnv>): string {
  const peer = plainAddress(c.env?.incoming?.socket?.remoteAddress) ?? 'unknown'
  if (!LOOPBACK.test(peer)) return peer
  return plainAddress(c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim()) ?? peer
}

const LOOPBACK = /^(?:127\.|::1$)/

/** Without the prefix that IPv4 gets on an IPv6 socket; undefined where it is no address. */
function plainAddress(text: string | undefined): string | undefined {
  const address = text?.replace(/^::ffff:/i, '')
  return address !== undefined && isIP(address) !== 0 ? address : undefined
}
