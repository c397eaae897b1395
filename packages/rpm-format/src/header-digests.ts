import { createHash, hash } from 'node:crypto'
import { digestsUnder, type ExpectedDigest } from './digest-algorithms.ts'
import { RpmError } from './errors.ts'
import type { Header } from './header.ts'
import { SignatureTag } from './tags.ts'

const tags = [
  [SignatureTag.SHA3_256, 'SHA3_256', 'sha3-256', 'strong'],
  [SignatureTag.SHA256, 'SHA256', 'sha256', 'strong'],
  [SignatureTag.SHA1, 'SHA1', 'sha1', 'weak'],
] as const

/** The digests of the main header that the signature header holds, strongest first. */
export function headerDigests(signature: Header): ExpectedDigest[] {
  return tags.flatMap(([tag, name, algorithm, strength]) => digestsUnder(signature, tag, { name, algorithm, strength }))
}

/** Before anything in the header is believed: damage is called damage, whatever it hit. */
export function checkHeaderDigests(header: Buffer, offset: number, signature: Header): void {
  for (const { name, algorithm, expected } of headerDigests(signature)) {
    const actual = digestOf(algorithm, header)
    if (actual === expected) continue
    throw new RpmError(
      'header-digest-mismatch',
      `the main header's ${name} is ${actual}, the signature header says ${expected.slice(0, 128)}`,
      { offset },
    )
  }
}

export function digestOf(algorithm: string, bytes: Uint8Array): string {
  return algorithm.startsWith('sha3')
    ? createHash(algorithm).update(bytes).digest('hex')
    : hash(algorithm, bytes, 'hex')
}
