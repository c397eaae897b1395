export interface ByteRange {
  start: number
  /** Inclusive, as in Content-Range. */
  end: number
}

const SINGLE_RANGE = /^bytes=[ \t]*(\d*)-(\d*)$/i

/**
 * What a Range field asks of a representation of `size` bytes: one range, `'unsatisfiable'` (416), or `undefined` for the
 * whole. Other units, several ranges and what does not parse count as no Range at all (RFC 9110, 14.2).
 */
export function requestedRange(field: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = SINGLE_RANGE.exec(field?.trim() ?? '')
  if (!match) return undefined
  const [, first = '', last = ''] = match
  if (first === '') return suffixRange(last, size)
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start < size ? { start, end } : 'unsatisfiable'
}

function suffixRange(length: string, size: number): ByteRange | 'unsatisfiable' | undefined {
  if (length === '') return undefined
  if (Number(length) === 0) return 'unsatisfiable'
  return size === 0 ? undefined : { start: Math.max(0, size - Number(length)), end: size - 1 }
}
