import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { displayText, formatNevra, readPackage } from 'rpm-format'
import { identityOf, type StatIdentity, sameIdentity } from './identity.ts'
import type { TarFormat } from './job.ts'
import { RECIPE } from './recipe.ts'

export interface ConversionKey {
  /** 64 hex digits: names the bytes of the TAR that this RPM, format and level give in this release. */
  key: string
  nevra: string
  /** The state of the file while the key was computed. */
  identity: StatIdentity
  /** How the payload is compressed, as the header says: gzip, xz, zstd, …; `none` where it says nothing. */
  payload?: string
}

/** The file changed while it was read: resolve the name again. */
export class SourceChanged extends Error {
  override readonly name = 'SourceChanged'
  readonly code = 'source-changed'
}

/**
 * Names a conversion without reading the payload: the headers carry a digest of it. Where they do not (MD5 counts as
 * not), the whole file is hashed. Rejects with RpmError when the headers cannot be read, with SourceChanged when the
 * file changes meanwhile.
 */
export async function conversionKey(
  handle: FileHandle,
  { format, level }: { format: TarFormat; level: number },
): Promise<ConversionKey> {
  const identity = await identityNow(handle)
  const { nevra, payload } = await readPackage(handle)
  const wholeFile = payload.coverage !== 'strong'
  const hash = createHash('sha256')
  hash.update(JSON.stringify(['diskful', RECIPE, format, level, identity.size, wholeFile ? 'file' : 'headers', '']))
  await hashUpTo(handle, wholeFile ? identity.size : payload.offset, hash)
  if (!sameIdentity(identity, await identityNow(handle))) throw new SourceChanged('The RPM changed while it was read')
  return {
    key: hash.digest('hex'),
    nevra: displayText(formatNevra(nevra)),
    identity,
    payload: displayText(payload.compressor ?? 'none'),
  }
}

export async function identityNow(handle: FileHandle): Promise<StatIdentity> {
  return identityOf(await handle.stat({ bigint: true }))
}

async function hashUpTo(handle: FileHandle, end: number, hash: Hash): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(end, 1024 * 1024)))
  for (let position = 0; position < end; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, end - position), position)
    if (bytesRead === 0) throw new SourceChanged('The RPM became shorter while it was read')
    hash.update(buffer.subarray(0, bytesRead))
    position += bytesRead
  }
}
