import { DebError } from './deb-error.ts'

export type DebOperator = '' | '<<' | '<=' | '=' | '>=' | '>>'

export interface DebRelation {
  name: string
  /** `any`, `native` or an arch; '' without. */
  qualifier: string
  operator: DebOperator
  version: string
}

/** `a (>= 1) | b, c:any` → groups of alternatives, all groups required. */
export function parseDebRelations(text: string): DebRelation[][] {
  return text
    .split(',')
    .map(group => group.trim())
    .filter(group => group !== '')
    .map(group => group.split('|').map(alternative => parseRelation(alternative.trim())))
}

// Arch and profile lists stand in source packages only; where one slipped into a binary package it restricts nothing here.
const RELATION =
  /^([A-Za-z0-9][A-Za-z0-9+._-]*)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([^\s()]+)\s*\))?(?:\s*\[[^\]]*\])?(?:\s*<[^>]*>)*$/

// As dpkg reads them since 1996, with a warning.
const OLD_OPERATORS: Readonly<Record<string, DebOperator>> = { '<': '<=', '>': '>=' }

function parseRelation(text: string): DebRelation {
  const match = RELATION.exec(text)
  if (!match) throw new DebError('bad-control', `a relation that cannot be read: ${JSON.stringify(text.slice(0, 80))}`)
  const [, name, qualifier = '', operator = '', version = ''] = match
  return { name: name!, qualifier, operator: OLD_OPERATORS[operator] ?? (operator as DebOperator), version }
}
