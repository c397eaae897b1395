import type { Limits } from '../limits.ts'
import type { Compression } from './sniff.ts'

/**
 * The payload's archive in chunks of up to 512 KiB. Ending early frees the decompressor and leaves the input as it is.
 * With `reuse`, chunks of input and output are freed as soon as they are done with. `large`: worth threads of its own.
 *
 * Decoders are loaded when they are needed: all of them take longer to load than a small package to convert.
 */
export async function* decompress(
  input: AsyncIterable<Uint8Array>,
  compression: Compression,
  limits: Limits,
  { reuse = false, large = false }: { reuse?: boolean | undefined; large?: boolean | undefined } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  switch (compression) {
    case 'gzip':
      return yield* (await import('./gzip.ts')).gunzip(input, reuse)
    case 'xz':
      if (large) return yield* (await import('./xz-threads.ts')).unxzInThreads(input, reuse)
      return yield* (await import('./xz.ts')).unxz(input)
    case 'zstd':
      return yield* (await import('./zstd.ts')).unzstd(input, limits, reuse)
    case 'lzma':
      return yield* (await import('./lzma.ts')).unlzma(input, limits)
    case 'bzip2':
      return yield* (await import('./bzip2.ts')).bunzip2(input)
    case 'none':
      return yield* input
  }
}
