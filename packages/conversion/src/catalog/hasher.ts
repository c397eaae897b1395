import type { FileHandle } from 'node:fs/promises'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { identityOf, type StatIdentity, sameIdentity } from '../identity.ts'
import type { HashAnswer, HashOrder } from './hash-thread.ts'
import { PackageFileError } from './package-file.ts'

const IDLE_MS = 30_000
const threadUrl = new URL(`./hash-thread${extname(import.meta.url)}`, import.meta.url)

interface Waiting {
  resolve(answer: { sha256: string; size: number }): void
  reject(error: unknown): void
}

/** SHA-256 of whole files in a thread that is started at need and ends when there is nothing to do. */
export class Hasher {
  readonly #waiting = new Map<number, Waiting>()
  #thread: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #lastId = 0

  /** Closes the handle. Rejects with PackageFileError when the file changed meanwhile. */
  async sha256(handle: FileHandle, identity: StatIdentity): Promise<string> {
    try {
      const { sha256, size } = await this.#ask(handle.fd)
      const after = identityOf(await handle.stat({ bigint: true }))
      if (size !== identity.size || !sameIdentity(after, identity)) {
        throw new PackageFileError('package-changed', 'the file changed while it was hashed')
      }
      return sha256
    } finally {
      await handle.close()
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    await this.#thread?.terminate()
  }

  #ask(fd: number): Promise<{ sha256: string; size: number }> {
    const id = ++this.#lastId
    clearTimeout(this.#idle)
    this.#thread ??= this.#start()
    this.#thread.ref()
    this.#thread.postMessage({ id, fd } satisfies HashOrder)
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  #start(): Worker {
    const thread = new Worker(threadUrl, { name: 'hash', execArgv: [] })
    thread.on('message', (answer: HashAnswer) => this.#answered(answer))
    // Whatever ended it, nobody waits for it any longer; the next file gets a new thread.
    thread.on('error', error => this.#ended(thread, error))
    thread.on('exit', () => this.#ended(thread, new Error('the thread that hashes files has ended')))
    return thread
  }

  #answered(answer: HashAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if ('error' in answer) waiting?.reject(answer.error)
    else waiting?.resolve(answer)
    if (this.#waiting.size > 0) return
    this.#thread?.unref()
    this.#idle = setTimeout(() => void this.#thread?.terminate(), IDLE_MS).unref()
  }

  #ended(thread: Worker, error: unknown): void {
    if (this.#thread === thread) this.#thread = undefined
    else return
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}
