import { isUtf8 } from 'node:buffer'

/**
 * A string with one char per byte (U+0000–U+00FF). Names in old packages are Latin-1 or worse: kept like this they
 * survive unchanged, compare bytewise, and `Buffer.from(text, 'latin1')` gives the bytes back.
 */
export type ByteString = string

/** UTF-8 for people; bytes that are no UTF-8 become U+FFFD. */
export function displayText(bytes: ByteString): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')
}

export function isAscii(bytes: ByteString): boolean {
  return !/[\x80-\uffff]/.test(bytes)
}

export function isValidUtf8(bytes: ByteString): boolean {
  return isAscii(bytes) || isUtf8(Buffer.from(bytes, 'latin1'))
}

/** For messages: quoted, control characters escaped, at most 200 characters. */
export function quoted(bytes: ByteString): string {
  const text = bytes.length > 200 ? `${displayText(bytes.slice(0, 200))}…` : displayText(bytes)
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Digits of either case, and nothing but digits. */
export function isHex(text: ByteString): boolean {
  return /^[0-9a-f]*$/i.test(text)
}
