import type { ByteString } from './byte-string.ts'

/** One record of a pax extended header: `path`, `size`, `SCHILY.xattr.security.ima`, … The value may be any bytes. */
export type PaxRecord = readonly [keyword: string, value: ByteString]

/** POSIX.1-2008 pax, `<length> <keyword>=<value>\n`: the length counts itself. */
export function encodePax(records: readonly PaxRecord[]): Buffer {
  return Buffer.from(records.map(encodeRecord).join(''), 'latin1')
}

function encodeRecord([keyword, value]: PaxRecord): ByteString {
  const rest = ` ${keyword}=${value}\n`
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return `${length}${rest}`
}

/** Pax values are UTF-8 unless this record comes first. */
export const binaryCharset: PaxRecord = ['hdrcharset', 'BINARY']
