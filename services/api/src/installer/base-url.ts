import type { Socket } from 'node:net'

export interface AddressFacts {
  /** PUBLIC_URL, with or without a path. */
  publicUrl: string | undefined
  /** The Host header as it came. */
  host: string | undefined
  socket: Pick<Socket, 'localAddress' | 'localPort'> | undefined
  /** Our own port, where even the socket is unknown. */
  port: number
}

const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*\\.?|\\[[0-9A-Fa-f:.]{2,45}\\])(?::([0-9]{1,5}))?$`)

/**
 * Where the node is to come back to, without a slash at the end: PUBLIC_URL, else the Host that the node used, else
 * the address that it reached. Never a name that the node did not use: it may resolve none.
 */
export function baseUrl({ publicUrl, host, socket, port }: AddressFacts): string {
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '')
  if (host !== undefined && isHost(host)) return `http://${host}`
  const address = socket?.localAddress?.replace(/^::ffff:/i, '').replace(/%.*$/, '') ?? '127.0.0.1'
  const ownPort = socket?.localPort ?? port
  return `http://${address.includes(':') ? `[${address}]` : address}${ownPort === 80 ? '' : `:${ownPort}`}`
}

/** A Host header that may stand in a script: a name or an address, with or without a port. */
export function isHost(host: string): boolean {
  const match = host.length <= 259 ? HOST.exec(host) : null
  return match !== null && (match[1] === undefined || (Number(match[1]) > 0 && Number(match[1]) < 65_536))
}
