import { type MessagePort, parentPort } from 'node:worker_threads'
import { constants, zstdCompressSync } from 'node:zlib'
import { blockLevel } from './block-level.ts'
import { free, own } from './chunk-memory.ts'
import type { CompressAnswer, CompressTask } from './compress-lanes.ts'

type NumberedTask = CompressTask & { readonly id: number }

parentPort?.on('message', ({ port }: { port: MessagePort }) => {
  port.on('message', (task: NumberedTask) => void answer(port, task))
})

async function answer(port: MessagePort, task: NumberedTask): Promise<void> {
  const { id, input } = task
  let reply: CompressAnswer
  try {
    reply = { id, output: await compressBlock(task), input }
  } catch (error) {
    port.postMessage({ id, error } satisfies CompressAnswer)
    return
  }
  port.postMessage(reply, [reply.output.buffer as ArrayBuffer, input])
}

async function compressBlock({ format, level, input, length }: CompressTask): Promise<Uint8Array> {
  const block = new Uint8Array(input, 0, length)
  if (format === 'zstd') return zstdFrame(block, level)
  // Loaded by who needs it: WebAssembly takes longer to load than a small package to compress.
  const { deflate } = await import('libdeflate')
  const { continuable } = await import('./continuable-deflate.ts')
  const stream = deflate(block, blockLevel(block, level))
  const continued = continuable(stream)
  free(own(stream))
  return continued
}

/** The 4 MiB of a block. By themselves levels up to 8 look back half of it at most. */
const windowLog = 22

/**
 * zstd's level 2 hashes into 2^16 places and wants six bytes to match. With these a block comes out 1 to 2 % larger than
 * by level 3, in three quarters of the time.
 */
const nimble = 2
const nimbleTables = { [constants.ZSTD_c_hashLog]: 17, [constants.ZSTD_c_minMatch]: 5 }

function zstdFrame(block: Uint8Array, level: number): Uint8Array {
  const frame = zstdCompressSync(block, {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: 1,
      [constants.ZSTD_c_windowLog]: windowLog,
      ...(level === nimble && nimbleTables),
    },
    chunkSize: frameRoom(block.length),
  })
  // Small results may stand in Node's buffer pool, which must not be given away.
  return frame.byteLength === frame.buffer.byteLength || frame.byteLength > 64 * 1024 ? frame : new Uint8Array(frame)
}

/** Room for the result in one piece, whatever the input. */
function frameRoom(length: number): number {
  return length + (length >> 8) + 1024
}
