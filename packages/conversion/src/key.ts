import type { FileHandle } from 'node:fs/promises'
import type { StatIdentity } from './identity.ts'
import type { TarFormat } from './job.ts'

export interface ConversionKey {
  /** 64 hex digits: names the bytes of the TAR that this RPM, format and level give in this release. */
  key: string
  nevra: string
  /** The state of the file while the key was computed. */
  identity: StatIdentity
}

/**
 * Names a conversion without reading the payload: headers carry a digest of it. Where they do not (MD5 counts as not),
 * the whole file is hashed. Rejects with RpmError when the headers cannot be read.
 */
export async function conversionKey(
  _handle: FileHandle,
  _settings: { format: TarFormat; level: number },
): Promise<ConversionKey> {
  throw new Error('conversionKey is being written')
}
