import type { Plan, PlanRow } from '@diskful/conversion'

export type HashOf = (row: PlanRow) => Promise<string | undefined>

/**
 * The plan as a shell reads it: one line a file, `type name version file size sha256 [when]`, separated by TABs, `-`
 * where a value is not known; `#missing name near`, `#unresolved package requirement` and a last `#end rows`.
 */
export async function planText(plan: Plan, hashOf: HashOf, near: (name: string) => readonly string[]): Promise<string> {
  const rows: string[] = []
  // One after the other: files that nobody hashed yet are read whole.
  for (const row of plan.rows) rows.push(await rowLine(row, hashOf))
  const lines = [
    ...rows,
    ...plan.missing.map(name => line('#missing', name, near(name).join(', ') || '-')),
    ...plan.unresolved.map(({ requiredBy, requirement }) => line('#unresolved', requiredBy, requirement)),
    line('#end', String(rows.length)),
  ]
  return `${lines.join('\n')}\n`
}

async function rowLine(row: PlanRow, hashOf: HashOf): Promise<string> {
  const sha256 = (await hashOf(row)) ?? '-'
  const facts = [row.type, row.name, row.version, encodeURIComponent(row.file), row.size?.toString() ?? '-', sha256]
  return line(...facts, ...(row.when === undefined ? [] : [row.when]))
}

function line(...values: string[]): string {
  return values.map(value => value.replace(/\p{Cc}/gu, '?') || '-').join('\t')
}
