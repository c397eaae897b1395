import type { ByteString } from '../byte-string.ts'

/** Lines for a POSIX shell: see "TSV files" in docs/tar-layout.md. The cells of the rows are escaped already. */
export function* tsv(
  name: string,
  columns: readonly string[],
  rows: Iterable<readonly ByteString[]>,
): Generator<ByteString> {
  yield `# diskful 1 ${name} ${columns.join(' ')}\n`
  for (const cells of rows) {
    if (cells.length !== columns.length)
      throw new Error(`${name}.tsv has ${columns.length} columns, not ${cells.length}`)
    yield `${cells.join('\t')}\n`
  }
}

/** A value of any bytes as a cell. */
export function cell(value: ByteString): ByteString {
  if (value === '') return '-'
  if (value === '-') return '%2D'
  return value.replace(/[^\x20-\x7e\x80-\xff]|%|^#/g, percent)
}

/** Values as a cell that separates them by `separator`, a space or comma inside one escaped too. */
export function listCell(values: readonly ByteString[], separator: string): ByteString {
  if (values.length === 0) return '-'
  const cells = values.map(value => (value === '' ? '%00' : cell(value).replace(/[ ,]/g, percent)))
  return cells.join(separator)
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
