import { ByteReader } from '../byte-reader.ts'
import { RpmError } from '../errors.ts'
import { corruptLzma, LzmaDecoder } from './lzma-decoder.ts'

const headerSize = 13
const unknownSize = 2n ** 64n - 1n

/** LZMA-alone (.lzma): properties, dictionary size, size or all ones, then one stream with or without an end marker. */
export async function* unlzma(
  input: AsyncIterable<Uint8Array>,
  limits: { dictionary: number },
): AsyncGenerator<Buffer, void, undefined> {
  const truncated = (what: string) => new RpmError('truncated-payload', `the lzma stream ends within its ${what}`)
  const reader = new ByteReader(input[Symbol.asyncIterator](), (_, what) => truncated(what))
  const header = await reader.read(headerSize, 'header')
  const dictionary = header.readUInt32LE(1)
  if (dictionary > limits.dictionary) {
    throw new RpmError(
      'dictionary-too-large',
      `an lzma dictionary of ${dictionary} bytes; ${limits.dictionary} are allowed`,
    )
  }
  const size = header.readBigUInt64LE(5)
  const decoder = new LzmaDecoder(header[0]!, dictionary, size === unknownSize ? undefined : Number(size))
  decoder.start(await reader.read(5, 'header'))

  let bytes: Buffer = Buffer.alloc(0)
  for (let last = false; !decoder.finished; ) {
    if (last) throw truncated('data')
    const chunk = await reader.take(Number.MAX_SAFE_INTEGER)
    last = chunk === undefined
    if (chunk) bytes = bytes.length > 0 ? Buffer.concat([bytes, chunk]) : chunk
    for (let progress = true; progress; ) {
      const used = decoder.decode(bytes, last)
      bytes = bytes.subarray(used)
      const output = decoder.take()
      progress = used > 0 || output.length > 0
      yield* output
    }
  }
  let clean = bytes.every(byte => byte === 0)
  for await (const piece of reader.rest()) clean &&= piece.every(byte => byte === 0)
  if (!clean) throw new RpmError('trailing-data', 'the lzma stream is followed by something else')
  if (!decoder.endedWell) throw corruptLzma('its end does not add up')
}
