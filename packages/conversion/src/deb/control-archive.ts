import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { unxz } from 'rpm-format'
import { extract } from 'tar-stream'
import { DebError } from './deb-error.ts'

const MiB = 1024 * 1024
/** Lists of files and their checksums stand beside the control file; only it must be small. */
const MOST_UNPACKED = 64 * MiB
const MOST_CONTROL = 4 * MiB

/**
 * The text of the file `control` in a control archive, which is unpacked no further than needed.
 * @param name the archive's own name: control.tar, control.tar.gz, control.tar.xz or control.tar.zst
 */
export async function readControlFile(name: string, packed: Iterable<Uint8Array>): Promise<string> {
  const tar = extract()
  const found = Promise.withResolvers<string>()
  tar.on('entry', (header, content, next) => {
    const wanted = header.type === 'file' && /^(\.\/)?control$/.test(header.name)
    if (wanted && (header.size ?? 0) > MOST_CONTROL) {
      tar.destroy(new DebError('control-too-large', `a control file of ${header.size} bytes`))
      return
    }
    const pieces: Buffer[] = []
    content.on('data', (piece: unknown) => wanted && pieces.push(piece as Buffer))
    content.on('end', () => (wanted ? found.resolve(Buffer.concat(pieces).toString('utf8')) : next()))
    content.on('error', next)
  })
  tar.on('finish', () => found.reject(new DebError('missing-member', `no control file in ${name}`)))
  const stop = new AbortController()
  const unpacking = unpack(name, packed, tar, stop.signal)
  unpacking.catch((error: unknown) => found.reject(unpackError(error, name)))
  try {
    return await found.promise
  } finally {
    stop.abort()
    // Its failure, if any but this very abort, was handed to `found` above.
    await unpacking.catch(() => undefined)
  }
}

async function unpack(
  name: string,
  packed: Iterable<Uint8Array>,
  tar: ReturnType<typeof extract>,
  signal: AbortSignal,
): Promise<void> {
  const source = Readable.from(packed, { objectMode: false })
  const limited = limit(MOST_UNPACKED)
  if (name === 'control.tar') return pipeline(source, limited, tar, { signal })
  return pipeline(source, decompressor(name), limited, tar, { signal })
}

type Decompressor = Transform | ((packed: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>)

function decompressor(name: string): Decompressor {
  if (name === 'control.tar.gz') return createGunzip()
  if (name === 'control.tar.xz') return unxz
  if (name === 'control.tar.zst') return createZstdDecompress()
  throw new DebError('unsupported-compression', `${JSON.stringify(name)} is packed in a way that is not known here`)
}

function limit(most: number) {
  return async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let sum = 0
    for await (const chunk of chunks) {
      sum += chunk.length
      if (sum > most) throw new DebError('control-too-large', `no control file in its archive's first ${most} bytes`)
      yield chunk
    }
  }
}

function unpackError(error: unknown, name: string): Error {
  if (error instanceof DebError) return error
  return new DebError('corrupt-compression', `${name} cannot be unpacked: ${(error as Error).message}`, error)
}
