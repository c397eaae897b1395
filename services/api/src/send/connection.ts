import type { ServerResponse } from 'node:http'

/** Nobody is there any more to send to. */
export class ClientLeftError extends Error {
  override readonly name = 'ClientLeftError'
  readonly code = 'client-left'
  constructor(options?: ErrorOptions) {
    super('the client closed the connection', options)
  }
}

/** The writing side of one answer as promises that settle whatever becomes of the socket. */
export class Connection {
  readonly #outgoing: ServerResponse
  #abandon: ((error: ClientLeftError) => void) | undefined
  readonly #closed = (): void => this.#abandon?.(new ClientLeftError())

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing
    // The socket's event, since the answer to a pipelined request has no socket yet and would never hear of its end.
    outgoing.req.socket.once('close', this.#closed)
    // Node reports here what the callback of write() is told as well.
    outgoing.on('error', ignoreReportedTwice)
  }

  check(): void {
    if (this.#outgoing.destroyed || this.#outgoing.req.socket.destroyed) throw new ClientLeftError()
  }

  /**
   * Resolves once the kernel has taken the bytes, rejects with ClientLeftError. Their buffer is free again in both cases:
   * a write that was handed to libuv fails only when that has let go of it, and a closed socket has no writes any more.
   */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.check()
      this.#abandon = reject
      this.#outgoing.write(bytes, error => (error ? reject(new ClientLeftError({ cause: error })) : resolve()))
    })
  }

  release(): void {
    this.#outgoing.req.socket.off('close', this.#closed)
  }
}

function ignoreReportedTwice(): void {}
