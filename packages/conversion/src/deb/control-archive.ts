import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { unxz } from 'rpm-format'
import { extract } from 'tar-stream'
import { DebError } from './deb-error.ts'

const MiB = 1024 * 1024
/** Lists of files and their checksums stand beside the control file; only it must be small. */
const MOST_UNPACKED = 64 * MiB
const MOST_CONTROL = 4 * MiB

/**
 * The text of the file `control` in a control archive.
 * @param name the archive's own name: control.tar, control.tar.gz, control.tar.xz or control.tar.zst
 */
export async function readControlFile(name: string, packed: Buffer): Promise<string> {
  const unpacked = await unpack(name, packed)
  const archive = extract()
  archive.end(unpacked)
  try {
    for await (const entry of archive) {
      const { header } = entry
      if (header.type !== 'file' || !/^(\.\/)?control$/.test(header.name)) {
        entry.resume()
        continue
      }
      if ((header.size ?? 0) > MOST_CONTROL) throw tooLarge(`a control file of ${header.size} bytes`)
      const pieces: Uint8Array[] = []
      for await (const piece of entry) pieces.push(piece as Uint8Array)
      return Buffer.concat(pieces).toString('utf8')
    }
  } catch (error) {
    if (error instanceof DebError) throw error
    throw new DebError('malformed-deb', `${name} is no TAR: ${(error as Error).message}`, error)
  }
  throw new DebError('missing-member', `no control file in ${name}`)
}

async function unpack(name: string, packed: Buffer): Promise<Buffer> {
  try {
    if (name === 'control.tar') return packed
    if (name === 'control.tar.gz') return gunzipSync(packed, { maxOutputLength: MOST_UNPACKED })
    if (name === 'control.tar.zst') return zstdDecompressSync(packed, { maxOutputLength: MOST_UNPACKED })
    if (name === 'control.tar.xz') return await unpackXz(packed)
  } catch (error) {
    if (error instanceof DebError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(beyondLimit)
    throw new DebError('corrupt-compression', `${name} cannot be unpacked: ${(error as Error).message}`, error)
  }
  throw new DebError('unsupported-compression', `${JSON.stringify(name)} is packed in a way that is not known here`)
}

async function unpackXz(packed: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = []
  let sum = 0
  for await (const piece of unxz(once(packed))) {
    sum += piece.length
    if (sum > MOST_UNPACKED) throw tooLarge(beyondLimit)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes
}

const beyondLimit = `a control archive of more than ${MOST_UNPACKED} bytes`

function tooLarge(what: string): DebError {
  return new DebError('control-too-large', what)
}
