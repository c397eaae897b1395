import { table } from './table.ts'

/** One figure beside the bound that it is held to. */
export interface BoundedFigure {
  what: string
  figure: string
  bound: string
  holds: boolean
}

export function boundsTable(rows: readonly BoundedFigure[]): string {
  return table(rows, [
    { head: 'what', cell: row => row.what },
    { head: 'figure', cell: row => row.figure, align: 'right' },
    { head: 'bound', cell: row => row.bound, align: 'right' },
    { head: 'holds', cell: row => (row.holds ? 'yes' : 'NO') },
  ])
}
