import type { ByteString } from './byte-string.ts'
import { RpmError } from './errors.ts'

/** The first 96 bytes. Only for recognising an RPM: names and arches come from the main header. */
export interface Lead {
  /** 3 for v3 and v4 packages, 4 for v6. */
  readonly major: number
  readonly minor: number
  /** A hint only; see RpmPackage.isSource. */
  readonly type: 'binary' | 'source'
  /** Name-version-release as the writer had it, cut at 65 bytes. */
  readonly name: ByteString
}

export const leadSize = 96
const magic = 0xedabeedb
const headerStyleSignature = 5

/** Refuses what is no RPM by its first bytes, so that even the beginning of a text file gets the right name. */
export function checkMagic(bytes: Buffer): void {
  if (bytes.toString('latin1', 0, 8) === 'drpmDLT3') {
    throw new RpmError('delta-rpm', 'a delta RPM without its own header: it cannot be unpacked without the old RPM', {
      offset: 0,
    })
  }
  const expected = Buffer.of(0xed, 0xab, 0xee, 0xdb)
  const length = Math.min(4, bytes.length)
  if (bytes.length > 0 && bytes.compare(expected, 0, length, 0, length) !== 0) {
    throw new RpmError(
      'not-an-rpm',
      `no RPM: begins with ${bytes.toString('hex', 0, length)} instead of ${magic.toString(16)}`,
      { offset: 0 },
    )
  }
}

export function parseLead(bytes: Buffer): Lead {
  checkMagic(bytes)
  const major = bytes.readUInt8(4)
  const type = bytes.readUInt16BE(6)
  const signatureType = bytes.readUInt16BE(78)
  if (signatureType !== headerStyleSignature) {
    throw new RpmError(
      'unsupported-version',
      `signature type ${signatureType} in the lead: a layout from before 1997`,
      { offset: 78 },
    )
  }
  const name = bytes.toString('latin1', 10, 76)
  const end = name.indexOf('\0')
  return {
    major,
    minor: bytes.readUInt8(5),
    type: type === 1 ? 'source' : 'binary',
    name: end < 0 ? name : name.slice(0, end),
  }
}
