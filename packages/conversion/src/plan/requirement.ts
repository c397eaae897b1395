import type { PackageType } from '../catalog/entry.ts'
import { DebError } from '../deb/deb-error.ts'
import { type DebOperator, parseDebRelations } from '../deb/relations.ts'
import type { Formula } from './formula.ts'
import type { Weight } from './package-relations.ts'
import type { Operator, Relation } from './relation.ts'
import { parseRich } from './rich.ts'

export interface Requirement {
  /** For people. */
  text: string
  weight: Weight
  /** undefined: it cannot be read, and is the node's own matter. */
  formula: Formula | undefined
}

/** @param text a weight and a requirement, as PackageRelations keeps them */
export function parseRequirement(type: PackageType, text: string): Requirement {
  const weight = Number(text[0]) as Weight
  const body = text.slice(1)
  if (type === 'deb') return { text: body, weight, formula: parseDebGroup(body) }
  if (body.startsWith('(')) return { text: body, weight, formula: parseRich(body) }
  return { text: body.replaceAll('\t', ' '), weight, formula: { kind: 'atom', relation: parseRpmRelation(body) } }
}

/** `name` or `name\toperator\tversion` */
export function parseRpmRelation(text: string): Relation {
  const [name, operator = '', version = ''] = text.split('\t')
  return { name: name!, operator: operator as Operator, version, qualifier: '' }
}

/** Alternatives of one group; none when they cannot be read. */
export function parseDebAlternatives(text: string): Relation[] {
  try {
    return (parseDebRelations(text)[0] ?? []).map(({ name, qualifier, operator, version }) => ({
      name,
      qualifier,
      operator: OPERATORS[operator],
      version,
    }))
  } catch (error) {
    if (error instanceof DebError) return []
    throw error
  }
}

const OPERATORS: Readonly<Record<DebOperator, Operator>> = {
  '': '',
  '<<': '<',
  '<=': '<=',
  '=': '=',
  '>=': '>=',
  '>>': '>',
}

function parseDebGroup(text: string): Formula | undefined {
  const atoms = parseDebAlternatives(text).map((relation): Formula => ({ kind: 'atom', relation }))
  if (atoms.length === 0) return undefined
  return atoms.length === 1 ? atoms[0] : { kind: 'or', parts: atoms }
}
