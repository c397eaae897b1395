import type { Relation } from './relation.ts'

/** What a requirement says, once read. */
export type Formula =
  | { kind: 'atom'; relation: Relation }
  | { kind: 'and' | 'or' | 'with' | 'without'; parts: Formula[] }
  | { kind: 'if' | 'unless'; wanted: Formula; condition: Formula; otherwise: Formula | undefined }
