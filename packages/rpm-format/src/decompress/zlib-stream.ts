import type { Transform } from 'node:stream'
import { free, own } from '../chunk-memory.ts'
import { Signal } from '../signal.ts'

/** What zlib's threads make at once; big enough that the way there and back does not count. */
export const outputChunkSize = 512 * 1024
const chunksAhead = 2

/**
 * Runs the input through a decompressor of node:zlib. It works ahead in libuv's threads while the consumer has a
 * chunk in hand, two chunks at most; ending early destroys it. With `reuse`, chunks are freed when the next is asked for.
 */
export async function* throughZlib(
  input: AsyncIterable<Uint8Array>,
  stream: Transform,
  reuse: boolean,
): AsyncGenerator<Buffer, void, undefined> {
  const ready: Buffer[] = []
  let ended = false
  let failure: { error: unknown } | undefined
  const changed = new Signal()
  stream.on('data', (chunk: Buffer) => {
    // Up to its end a buffer is still written to.
    const isWhole = chunk.byteOffset + chunk.length === outputChunkSize && chunk.buffer.byteLength === outputChunkSize
    ready.push(reuse && isWhole ? own(chunk) : chunk)
    if (ready.length >= chunksAhead) stream.pause()
    changed.give()
  })
  stream.on('end', () => {
    ended = true
    changed.give()
  })
  stream.on('error', (error: Error) => {
    failure ??= { error }
    changed.give()
  })
  const feeding = feed(input, stream).catch((error: unknown) => {
    failure ??= { error }
    changed.give()
  })
  try {
    for (;;) {
      const chunk = ready.shift()
      if (chunk) {
        if (stream.isPaused()) stream.resume()
        yield chunk
        if (reuse) free(chunk)
      } else if (failure) throw failure.error
      else if (ended) return
      else await changed.wait()
    }
  } finally {
    stream.destroy()
    await feeding
  }
}

/** Chunk by chunk: of what a stream has no use for, the one before it never takes more than the last chunk. */
async function feed(input: AsyncIterable<Uint8Array>, stream: Transform): Promise<void> {
  let done: Uint8Array | undefined
  for await (const chunk of input) {
    await written(stream, chunk)
    if (stream.destroyed || stream.readableEnded) return
    if (done) free(done)
    done = chunk
  }
  stream.end()
}

/** A decompressor that sees the end of its stream within the chunk ends instead of asking for more. */
function written(stream: Transform, chunk: Uint8Array): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      for (const event of events) stream.off(event, done)
      resolve()
    }
    const events = ['close', 'error', 'end'] as const
    for (const event of events) stream.on(event, done)
    stream.write(chunk, done)
  })
}
