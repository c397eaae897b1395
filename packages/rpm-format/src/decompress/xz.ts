import { ByteReader } from '../byte-reader.ts'
import { RpmError } from '../errors.ts'
import { runningCheck } from './xz-check.ts'
import { XzDecoder } from './xz-decoder.ts'
import { type WalkedBlock, XzWalk } from './xz-walk.ts'

/**
 * The first stream of an .xz file, decoded in this thread. XZ Embedded refuses the SHA-256 checks that rpm writes, so the
 * container is walked here: the decoder sees bare LZMA2 blocks, and checks, index and footer are compared with what was
 * walked.
 */
export async function* unxz(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  const walk = await XzWalk.open(xzReader(input))
  const decoder = await XzDecoder.open()
  try {
    for (let block = await walk.block(); block; block = await walk.block()) yield* decodeBlock(walk, block, decoder)
  } finally {
    decoder.release()
  }
  await walk.end()
}

export function xzReader(input: AsyncIterable<Uint8Array>, reuse = false): ByteReader {
  return new ByteReader(
    input[Symbol.asyncIterator](),
    (_, what) => new RpmError('truncated-payload', `the xz stream ends within its ${what}`),
    reuse,
  )
}

async function* decodeBlock(
  walk: XzWalk,
  block: WalkedBlock,
  decoder: XzDecoder,
): AsyncGenerator<Buffer, void, undefined> {
  const check = runningCheck(walk.checkType)
  let produced = 0
  const passed = (chunk: Buffer): Buffer => {
    produced += chunk.length
    check.update(chunk)
    return chunk
  }
  decoder.startBlock(block.header.dictionaryCode)
  for await (const chunk of walk.chunks(block)) {
    for (const output of decoder.decode(chunk)) yield passed(output)
  }
  for (const output of decoder.endBlock(block.compressed)) yield passed(output)
  block.verify(produced, check.digest())
}
