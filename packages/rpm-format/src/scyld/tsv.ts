import type { ByteString } from '../byte-string.ts'

/** Lines for a POSIX shell: see "TSV files" in docs/tar-layout.md. */
export class Table {
  readonly #columns: number
  readonly #name: string
  #text: string

  constructor(name: string, columns: readonly string[]) {
    this.#name = name
    this.#columns = columns.length
    this.#text = `# diskful 1 ${name} ${columns.join(' ')}\n`
  }

  /** Cells are escaped already. */
  add(cells: readonly ByteString[]): void {
    if (cells.length !== this.#columns)
      throw new Error(`${this.#name}.tsv has ${this.#columns} columns, not ${cells.length}`)
    this.#text += `${cells.join('\t')}\n`
  }

  bytes(): Uint8Array {
    return Buffer.from(this.#text, 'latin1')
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
