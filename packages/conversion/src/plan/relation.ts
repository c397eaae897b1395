import { compareEvr, type Evr, rpmvercmp } from 'rpm-format'
import { debianVersionCompare } from '../deb/version.ts'

export type Operator = '' | '<' | '<=' | '=' | '>=' | '>'

/** A name, perhaps with a range of versions. */
export interface Relation {
  name: string
  operator: Operator
  version: string
  /** DEB: `any`, `native` or an arch after the colon; '' otherwise. */
  qualifier: string
}

export function relationText({ name, operator, version, qualifier }: Relation): string {
  const full = qualifier === '' ? name : `${name}:${qualifier}`
  return operator === '' ? full : `${full} ${operator} ${version}`
}

interface Bits {
  less: boolean
  equal: boolean
  greater: boolean
}

const BITS: Readonly<Record<Operator, Bits>> = {
  '': { less: false, equal: false, greater: false },
  '<': { less: true, equal: false, greater: false },
  '<=': { less: true, equal: true, greater: false },
  '=': { less: false, equal: true, greater: false },
  '>=': { less: false, equal: true, greater: true },
  '>': { less: false, equal: false, greater: true },
}

type Versioned = Pick<Relation, 'operator' | 'version'>

/** Whether two RPM relations of one name overlap: rpm's rule. A side without a version matches any. */
export function rpmOverlap(a: Versioned, b: Versioned): boolean {
  if (a.operator === '' || b.operator === '' || a.version === '' || b.version === '') return true
  const left = BITS[a.operator]
  const right = BITS[b.operator]
  const one = parseEvr(a.version)
  const other = parseEvr(b.version)
  const sameVersion = (one.epoch ?? 0) === (other.epoch ?? 0) && rpmvercmp(one.version, other.version) === 0
  if (sameVersion && (one.release === '' || other.release === '')) {
    // A version without a release stands for all releases of it, wherever it is one that is included.
    if (one.release !== '' && right.equal) return true
    if (other.release !== '' && left.equal) return true
    return overlaps(0, left, right)
  }
  return overlaps(compareEvr(one, other), left, right)
}

function overlaps(order: number, left: Bits, right: Bits): boolean {
  if (order < 0) return left.greater || right.less
  if (order > 0) return left.less || right.greater
  return (left.equal && right.equal) || (left.less && right.less) || (left.greater && right.greater)
}

/** `[epoch:]version[-release]` */
export function parseEvr(text: string): Evr {
  const match = /^(?:(\d+):)?([^-]*)(?:-(.*))?$/s.exec(text)
  const [, epoch, version = text, release = ''] = match ?? []
  return { epoch: epoch === undefined ? undefined : Number(epoch), version, release }
}

/** Whether a Debian version lies in the relation's range. */
export function debSatisfies(version: string, { operator, version: bound }: Versioned): boolean {
  if (operator === '') return true
  const order = debianVersionCompare(version, bound)
  const { less, equal, greater } = BITS[operator]
  return order < 0 ? less : order > 0 ? greater : equal
}
