import type { BigIntStats } from 'node:fs'

/** What tells one state of a file from another; 64-bit fields as decimal text, since this travels as JSON. */
export interface StatIdentity {
  dev: string
  ino: string
  size: number
  mtimeNs: string
  ctimeNs: string
}

/** @param stats of `stat(…, { bigint: true })` */
export function identityOf(stats: BigIntStats): StatIdentity {
  return {
    dev: String(stats.dev),
    ino: String(stats.ino),
    size: Number(stats.size),
    mtimeNs: String(stats.mtimeNs),
    ctimeNs: String(stats.ctimeNs),
  }
}

/** Whether both are the same state of the same file. `dev` does not count: it differs between hosts that share a mount. */
export function sameIdentity(one: StatIdentity, other: StatIdentity): boolean {
  return identityText(one) === identityText(other)
}

/** One line that is equal for equal identities, whichever host took the stat. */
export function identityText({ ino, size, mtimeNs, ctimeNs }: StatIdentity): string {
  return `${ino}-${size}-${mtimeNs}-${ctimeNs}`
}
