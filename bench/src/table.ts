/** One column: its head, and how a row's cell reads. Numbers stand right, words left. */
export interface Column<Row> {
  head: string
  cell: (row: Row) => string
  align?: 'left' | 'right'
}

/** A table in Markdown that also reads well in a terminal. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map(row => columns.map(column => column.cell(row)))
  const widths = columns.map((column, i) => Math.max(column.head.length, 3, ...cells.map(row => row[i]!.length)))
  const line = (values: readonly string[]) =>
    `| ${values.map((value, i) => (columns[i]!.align === 'right' ? value.padStart(widths[i]!) : value.padEnd(widths[i]!))).join(' | ')} |`
  const rule = `|${columns.map((column, i) => (column.align === 'right' ? `${'-'.repeat(widths[i]! + 1)}:` : '-'.repeat(widths[i]! + 2))).join('|')}|`
  return [line(columns.map(column => column.head)), rule, ...cells.map(line)].join('\n')
}

export const seconds = (value: number): string => value.toFixed(2)
export const ratio = (value: number): string => value.toFixed(2)
export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
