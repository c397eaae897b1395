import { type MessagePort, parentPort } from 'node:worker_threads'
import { constants, deflateRawSync, zstdCompressSync } from 'node:zlib'
import type { CompressAnswer, CompressTask } from './compress-lanes.ts'

type NumberedTask = CompressTask & { readonly id: number }

parentPort?.on('message', ({ port }: { port: MessagePort }) => {
  port.on('message', (task: NumberedTask) => answer(port, task))
})

function answer(port: MessagePort, task: NumberedTask): void {
  const { id, input } = task
  let reply: CompressAnswer
  try {
    reply = { id, output: compressBlock(task), input }
  } catch (error) {
    port.postMessage({ id, error } satisfies CompressAnswer)
    return
  }
  port.postMessage(reply, [reply.output.buffer as ArrayBuffer, input])
}

function compressBlock({ format, level, input, dictionary, length }: CompressTask): Uint8Array {
  const block = new Uint8Array(input, dictionary, length)
  const output =
    format === 'gzip'
      ? deflateRawSync(block, {
          level,
          // Shorter runs of one Huffman code than zlib's default: 1 % smaller.
          memLevel: 7,
          // An empty dictionary is no dictionary.
          ...(dictionary > 0 && { dictionary: new Uint8Array(input, 0, dictionary) }),
          finishFlush: constants.Z_SYNC_FLUSH,
          chunkSize: outputRoom(length),
        })
      : zstdCompressSync(block, {
          params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
          chunkSize: outputRoom(length),
        })
  // Small results may stand in Node's buffer pool, which must not be given away.
  return output.byteLength === output.buffer.byteLength || output.byteLength > 64 * 1024
    ? output
    : new Uint8Array(output)
}

/** Room for the result in one piece, whatever the input. */
function outputRoom(length: number): number {
  return length + (length >> 8) + 1024
}
