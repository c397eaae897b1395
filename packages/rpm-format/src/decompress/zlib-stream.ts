import type { Transform } from 'node:stream'

/** What zlib's threads make at once; big enough that the way there and back does not count. */
export const outputChunkSize = 512 * 1024
const chunksAhead = 2

/**
 * Runs the input through a decompressor of node:zlib. It works ahead in libuv's threads while the consumer has a
 * chunk in hand, two chunks at most; ending early destroys it.
 */
export async function* throughZlib(
  input: AsyncIterable<Uint8Array>,
  stream: Transform,
): AsyncGenerator<Buffer, void, undefined> {
  const ready: Buffer[] = []
  let ended = false
  let failure: { error: unknown } | undefined
  let wake = () => {}
  stream.on('data', (chunk: Buffer) => {
    ready.push(chunk)
    if (ready.length >= chunksAhead) stream.pause()
    wake()
  })
  stream.on('end', () => {
    ended = true
    wake()
  })
  stream.on('error', (error: Error) => {
    failure ??= { error }
    wake()
  })
  const feeding = feed(input, stream).catch((error: unknown) => {
    failure ??= { error }
    wake()
  })
  try {
    for (;;) {
      const chunk = ready.shift()
      if (chunk) {
        if (stream.isPaused()) stream.resume()
        yield chunk
      } else if (failure) throw failure.error
      else if (ended) return
      else
        await new Promise<void>(resolve => {
          wake = resolve
        })
    }
  } finally {
    stream.destroy()
    await feeding
  }
}

async function feed(input: AsyncIterable<Uint8Array>, stream: Transform): Promise<void> {
  for await (const chunk of input) {
    // Also true once the decompressor has seen the end of what it knows: the rest is not for it.
    if (stream.destroyed || stream.readableEnded) return
    if (!stream.write(chunk)) await drained(stream)
  }
  stream.end()
}

function drained(stream: Transform): Promise<void> {
  if (stream.destroyed || !stream.writableNeedDrain) return Promise.resolve()
  return new Promise(resolve => {
    const done = () => {
      for (const event of events) stream.off(event, done)
      resolve()
    }
    const events = ['drain', 'close', 'error', 'end'] as const
    for (const event of events) stream.on(event, done)
  })
}
