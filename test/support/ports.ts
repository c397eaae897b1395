import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** A TCP port of 127.0.0.1 that nothing listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}

/** Whether something accepts connections there. */
export async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Asks until the answer is not undefined; throws what `otherwise` says when the time is over. */
export async function until<T>(
  ask: () => Promise<T | undefined>,
  options: { seconds: number; otherwise: () => string; everyMs?: number },
): Promise<T> {
  const end = performance.now() + options.seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > end) throw new Error(`${options.otherwise()} (waited ${options.seconds} s)`)
    await new Promise(resolve => setTimeout(resolve, options.everyMs ?? 50))
  }
}
