import type { RpmPackage } from 'rpm-format'
import { LengthError } from './length-error.ts'

const Tag = { SIG_SIZE: 1000, SIG_LONGSIZE: 270, PAYLOADSIZE: 5112 } as const

/**
 * Refuses an RPM that is shorter than it says: one that is still being copied, or whose copy broke off. The signature
 * header counts headers and payload (v3, v4), the main header of v6 counts the payload. Claims below the file's real
 * length are not believed: some tools write nonsense, and 32-bit counts wrap.
 */
export function checkRpmLength({ signature, header, payload }: RpmPackage, size: number): void {
  const counted = signature.number(Tag.SIG_LONGSIZE) ?? signature.number(Tag.SIG_SIZE)
  const payloadSize = header.number(Tag.PAYLOADSIZE)
  const claimed =
    payloadSize === undefined ? (counted === undefined ? 0 : header.offset + counted) : payload.offset + payloadSize
  if (claimed > size) throw new LengthError(`${claimed - size} of its ${claimed} bytes are missing`)
}
