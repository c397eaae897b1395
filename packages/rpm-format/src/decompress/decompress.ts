import type { Limits } from '../limits.ts'
import { bunzip2 } from './bzip2.ts'
import { gunzip } from './gzip.ts'
import { unlzma } from './lzma.ts'
import type { Compression } from './sniff.ts'
import { unxz } from './xz.ts'
import { unxzInThreads } from './xz-threads.ts'
import { unzstd } from './zstd.ts'

/**
 * The payload's archive in chunks of up to 512 KiB. Ending early frees the decompressor and leaves the input as it is.
 * With `reuse`, chunks of input and output are freed as soon as they are done with. `large`: worth threads of its own.
 */
export function decompress(
  input: AsyncIterable<Uint8Array>,
  compression: Compression,
  limits: Limits,
  { reuse = false, large = false }: { reuse?: boolean | undefined; large?: boolean | undefined } = {},
): AsyncIterator<Uint8Array, unknown, undefined> {
  switch (compression) {
    case 'gzip':
      return gunzip(input, reuse)
    case 'xz':
      return large ? unxzInThreads(input, reuse) : unxz(input)
    case 'zstd':
      return unzstd(input, limits, reuse)
    case 'lzma':
      return unlzma(input, limits)
    case 'bzip2':
      return bunzip2(input)
    case 'none':
      return input[Symbol.asyncIterator]()
  }
}
