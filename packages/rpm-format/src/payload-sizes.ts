import type { Header } from './header.ts'
import { isV6Signature } from './payload-digests.ts'
import { SignatureTag, Tag } from './tags.ts'

/** Lengths that the headers claim, in bytes; undefined where they say nothing. */
export interface AnnouncedSizes {
  readonly compressed: number | undefined
  readonly uncompressed: number | undefined
}

/** Advisory in v3 and v4, where some writers lie; part of the format in v6. */
export function announcedSizes({ header, signature }: { header: Header; signature: Header }): AnnouncedSizes {
  if (header.has(Tag.PAYLOADSIZE)) {
    return { compressed: header.number(Tag.PAYLOADSIZE), uncompressed: header.number(Tag.PAYLOADSIZEALT) }
  }
  if (isV6Signature(signature)) return { compressed: undefined, uncompressed: undefined }
  const whole = signature.number(SignatureTag.LONGSIZE) ?? signature.number(SignatureTag.SIZE)
  return {
    compressed: whole === undefined ? undefined : whole - header.bytes.length,
    uncompressed:
      signature.number(SignatureTag.LONGARCHIVESIZE) ??
      signature.number(SignatureTag.PAYLOADSIZE) ??
      header.number(Tag.ARCHIVESIZE),
  }
}
