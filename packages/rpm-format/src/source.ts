import type { FileHandle } from 'node:fs/promises'
import { own } from './chunk-memory.ts'
import type { ReadOptions } from './limits.ts'

/** Where an RPM comes from. A FileHandle is read by position from 0 and stays open; anything else is read once. */
export type Source =
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>
  | Uint8Array
  | FileHandle

const fileChunkSize = 512 * 1024

/** The source's bytes in order. Ending early (return) or aborting releases the source. */
export function chunksOf(
  source: Source,
  { signal, reuseChunks = false }: ReadOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  if (source instanceof Uint8Array) return once(source)
  if (isFileHandle(source)) return fileChunks(source, reuseChunks, signal)
  return pulled(pullFrom(source), signal)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}

/** One read is always under way while the last chunk is being worked on. */
async function* fileChunks(
  handle: FileHandle,
  reuse: boolean,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = 0
  const read = async (): Promise<Uint8Array> => {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(fileChunkSize), 0, fileChunkSize, position)
    position += bytesRead
    const chunk = buffer.subarray(0, bytesRead)
    return reuse ? own(chunk) : chunk
  }
  let ahead = read()
  try {
    for (;;) {
      signal?.throwIfAborted()
      const chunk = await ahead
      if (chunk.length === 0) return
      ahead = read()
      yield chunk
    }
  } finally {
    // The caller may close the handle as soon as we are done; a failed read ahead of an early end concerns nobody.
    await ahead.catch(() => undefined)
  }
}

interface Pull {
  next(): Promise<IteratorResult<unknown, unknown>>
  release(): unknown
}

function pullFrom(source: Exclude<Source, Uint8Array | FileHandle>): Pull {
  if (source instanceof ReadableStream) {
    const reader = source.getReader()
    return {
      next: async () => (await reader.read()) as IteratorResult<unknown, unknown>,
      release: () => reader.cancel(),
    }
  }
  if (Symbol.asyncIterator in source) {
    const iterator = source[Symbol.asyncIterator]()
    const { destroy } = source as { destroy?: unknown }
    return {
      next: () => iterator.next(),
      release: () => (typeof destroy === 'function' ? destroy.call(source) : iterator.return?.()),
    }
  }
  if (Symbol.iterator in source) {
    const iterator = source[Symbol.iterator]()
    return { next: async () => iterator.next(), release: () => iterator.return?.() }
  }
  throw new TypeError('an RPM is read from a Uint8Array, a FileHandle, a ReadableStream or an iterable of Uint8Array')
}

async function* pulled(pull: Pull, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const abortion = interruptible(signal)
  let ended = false
  let pending = false
  try {
    for (;;) {
      signal?.throwIfAborted()
      pending = true
      const { done, value } = await abortion.or(pull.next())
      pending = false
      if (done) {
        ended = true
        return
      }
      if (!(value instanceof Uint8Array)) throw new TypeError('the source gave something that is no Uint8Array')
      yield value
    }
  } finally {
    abortion.forget()
    if (!ended) {
      const released = Promise.resolve(pull.release())
      // A generator that is stuck in its own await never returns: it is told, not waited for.
      if (pending) released.catch(() => undefined)
      else await released
    }
  }
}

/** Not Promise.race: against a promise that never settles it keeps a little of every chunk for ever. */
function interruptible(signal: AbortSignal | undefined) {
  let interrupt: ((reason: unknown) => void) | undefined
  const onAbort = () => interrupt?.(signal!.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    or<T>(promise: Promise<T>): Promise<T> {
      return new Promise((resolve, reject) => {
        interrupt = reject
        promise.then(resolve, reject)
      })
    },
    forget: () => signal?.removeEventListener('abort', onAbort),
  }
}

function isFileHandle(source: object): source is FileHandle {
  return 'fd' in source && 'read' in source && 'stat' in source && typeof source.read === 'function'
}
