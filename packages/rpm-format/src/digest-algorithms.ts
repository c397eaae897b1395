import type { Header } from './header.ts'

/** 'weak' is MD5, SHA-1 and the like: they tell damage, not forgery. */
export type Strength = 'strong' | 'weak' | 'none'

export interface DigestAlgorithm {
  /** As node:crypto names it. */
  readonly name: string
  readonly hexLength: number
  /** MD5, SHA-1 and RIPEMD-160 tell damage, not forgery. */
  readonly weak: boolean
}

/** A digest as a header holds it. */
export interface ExpectedDigest {
  /** The tag's. */
  readonly name: string
  /** As node:crypto names it. */
  readonly algorithm: string
  readonly strength: Strength
  /** Lowercase hex. */
  readonly expected: string
}

/** The digest under a text tag; nothing where the header has none. */
export function digestsUnder(header: Header, tag: number, facts: Omit<ExpectedDigest, 'expected'>): ExpectedDigest[] {
  const expected = header.string(tag)
  return expected === undefined ? [] : [{ ...facts, expected: expected.toLowerCase() }]
}

/** Numbers of FILEDIGESTALGO and PAYLOADSHA256ALGO (those of OpenPGP). */
const algorithms: Record<number, DigestAlgorithm> = {
  1: { name: 'md5', hexLength: 32, weak: true },
  2: { name: 'sha1', hexLength: 40, weak: true },
  3: { name: 'ripemd160', hexLength: 40, weak: true },
  8: { name: 'sha256', hexLength: 64, weak: false },
  9: { name: 'sha384', hexLength: 96, weak: false },
  10: { name: 'sha512', hexLength: 128, weak: false },
  11: { name: 'sha224', hexLength: 56, weak: false },
  12: { name: 'sha3-256', hexLength: 64, weak: false },
  14: { name: 'sha3-512', hexLength: 128, weak: false },
}

export function digestAlgorithm(id: number): DigestAlgorithm | undefined {
  return algorithms[id]
}
