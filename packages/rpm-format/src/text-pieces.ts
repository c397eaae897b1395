const PIECE = 16 * 1024
const MOST_KEPT = 4 * 1024 * 1024

/** Gathers lines into pieces worth passing on: the text of 200,000 files never stands in memory as a whole. */
export function* textPieces(lines: Iterable<string>, encoding: 'latin1' | 'utf8'): Generator<Uint8Array> {
  let text = ''
  for (const line of lines) {
    text += line
    if (text.length < PIECE) continue
    yield Buffer.from(text, encoding)
    text = ''
  }
  if (text !== '') yield Buffer.from(text, encoding)
}

/** A TAR says how long a member is before it comes: what is small is kept, what is large is made a second time. */
export function measured(make: () => Iterable<Uint8Array>): { size: number; content: Iterable<Uint8Array> } {
  let size = 0
  let kept: Uint8Array[] | undefined = []
  for (const piece of make()) {
    size += piece.length
    if (size > MOST_KEPT) kept = undefined
    kept?.push(piece)
  }
  return { size, content: kept ?? make() }
}

export function* mapped<From, To>(elements: Iterable<From>, change: (element: From) => To): Generator<To> {
  for (const element of elements) yield change(element)
}
