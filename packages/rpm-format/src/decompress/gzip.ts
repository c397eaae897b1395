import { createGunzip } from 'node:zlib'
import { RpmError } from '../errors.ts'
import { outputChunkSize, throughZlib } from './zlib-stream.ts'

/** One or more gzip members. Zeros after the last one are ignored as gzip does; anything else there is an error. */
export async function* gunzip(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* throughZlib(input, createGunzip({ chunkSize: outputChunkSize }))
  } catch (error) {
    throw zlibError(error, 'gzip')
  }
}

/** Errors of node:zlib blame the package; all others pass. */
export function zlibError(error: unknown, format: string): unknown {
  const { code, message } = error as { code?: unknown; message?: string }
  if (code === 'Z_BUF_ERROR') {
    return new RpmError('truncated-payload', `the ${format} stream ends early`, { cause: error })
  }
  if (typeof code === 'string' && /^(Z_|ZSTD_)/.test(code)) {
    return new RpmError('corrupt-compression', `the ${format} stream is damaged: ${message}`, { cause: error })
  }
  return error
}
