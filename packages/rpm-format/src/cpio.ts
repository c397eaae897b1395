import { RpmError } from './errors.ts'

/**
 * The archive inside an RPM, entry by entry; knows nothing of RPM. `newc` entries say name and size; `stripped` ones
 * only the file's position in the header.
 */
export type CpioHeader =
  | {
      readonly format: 'newc'
      readonly mode: number
      readonly size: number
      /** With the NUL at its end. */
      readonly nameSize: number
    }
  | { readonly format: 'stripped'; readonly index: number }

export const magicSize = 6
export const newcSize = 110
/** Magic, index and two bytes of padding. */
export const strippedSize = 16
export const trailerName = 'TRAILER!!!'
export const strippedTrailer = 0xffffffff
const longestName = 4096

/** Bytes up to the next multiple of 4. */
export function padding(size: number): number {
  return -size & 3
}

export function cpioFormat(magic: Buffer, offset: number): 'newc' | 'stripped' {
  const text = magic.toString('latin1', 0, magicSize)
  if (text === '070701' || text === '070702') return 'newc'
  if (text === '07070X') return 'stripped'
  // Never look further for a magic: another reader might find another one.
  throw new RpmError('unknown-archive', `${JSON.stringify(text)} is no magic of a cpio entry that rpm writes`, {
    offset,
  })
}

/** The 110 bytes of a newc entry. */
export function parseNewc(bytes: Buffer, offset: number): CpioHeader & { format: 'newc' } {
  for (let at = magicSize; at < newcSize; at += 8) hexField(bytes, at, offset)
  const nameSize = hexField(bytes, 94, offset)
  if (nameSize < 1 || nameSize > longestName) {
    throw new RpmError('malformed-cpio', `a name of ${nameSize} bytes; 1 to ${longestName} are allowed`, { offset })
  }
  return { format: 'newc', mode: hexField(bytes, 14, offset), size: hexField(bytes, 54, offset), nameSize }
}

/** The 16 bytes of a stripped entry. */
export function parseStripped(bytes: Buffer, offset: number): CpioHeader & { format: 'stripped' } {
  const index = hexField(bytes, magicSize, offset)
  if (bytes[14] !== 0 || bytes[15] !== 0) {
    throw new RpmError('malformed-cpio', 'the padding of a stripped entry is not zero', { offset: offset + 14 })
  }
  return { format: 'stripped', index }
}

/** Exactly one NUL, at the end. */
export function parseName(bytes: Buffer, offset: number): string {
  if (bytes.indexOf(0) !== bytes.length - 1) {
    throw new RpmError('malformed-cpio', 'the name of an entry does not end at its first NUL', { offset })
  }
  return bytes.toString('latin1', 0, bytes.length - 1)
}

/** Eight hex digits and nothing else: no sign, space or 0x. */
function hexField(bytes: Buffer, at: number, offset: number): number {
  let value = 0
  for (let k = at; k < at + 8; k++) {
    const digit = hexDigits[bytes[k]!]!
    if (digit > 15) {
      throw new RpmError(
        'malformed-cpio',
        `${JSON.stringify(bytes.toString('latin1', at, at + 8))} is no field of eight hex digits`,
        {
          offset: offset + at,
        },
      )
    }
    value = value * 16 + digit
  }
  return value
}

/** Value by character code, 255 for what is no hex digit. */
const hexDigits = new Uint8Array(256).fill(255)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  hexDigits[digit.charCodeAt(0)] = value
  hexDigits[digit.toUpperCase().charCodeAt(0)] = value
}
