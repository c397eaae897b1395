import type { FileBody } from './file-body.ts'

const READ_BYTES = 64 * 1024

/** The body as a web stream, for callers without a Node response (`app.request()`). The service itself uses sendFile. */
export function bodyStream(body: FileBody): ReadableStream<Uint8Array> {
  const end = body.start + body.length
  let position = body.start
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, end - position))
        if (bytes.length > 0) await body.read(bytes, position)
        position += bytes.length
        if (bytes.length > 0) controller.enqueue(bytes)
        if (position < end) return
        await body.close()
        controller.close()
      } catch (error) {
        await body.close()
        throw error
      }
    },
    cancel: () => body.close(),
  })
}
