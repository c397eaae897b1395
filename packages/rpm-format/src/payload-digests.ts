import { createHash, type Hash } from 'node:crypto'
import { digestAlgorithm, digestsUnder, type ExpectedDigest } from './digest-algorithms.ts'
import { RpmError } from './errors.ts'
import type { Header } from './header.ts'
import { SignatureTag, Tag } from './tags.ts'

/** Which bytes a digest covers: header and payload, the payload as it is in the file, or what it decompresses to. */
export type PayloadRange = 'header+payload' | 'payload' | 'uncompressed-payload'

export interface PayloadDigest extends ExpectedDigest {
  readonly covers: PayloadRange
}

const strongTags = [
  [Tag.PAYLOADSHA256, 'PAYLOADSHA256', 'payload', 'sha256'],
  [Tag.PAYLOADSHA256ALT, 'PAYLOADSHA256ALT', 'uncompressed-payload', 'sha256'],
  [Tag.PAYLOADSHA512, 'PAYLOADSHA512', 'payload', 'sha512'],
  [Tag.PAYLOADSHA512ALT, 'PAYLOADSHA512ALT', 'uncompressed-payload', 'sha512'],
  [Tag.PAYLOADSHA3_256, 'PAYLOADSHA3_256', 'payload', 'sha3-256'],
  [Tag.PAYLOADSHA3_256ALT, 'PAYLOADSHA3_256ALT', 'uncompressed-payload', 'sha3-256'],
] as const

/** Every digest that covers the payload. Those in the main header are as good as the header; MD5 stands in the signature header. */
export function payloadDigests(header: Header, signature: Header): PayloadDigest[] {
  const algorithm = digestAlgorithm(header.number(Tag.PAYLOADSHA256ALGO) ?? 8)
  const digests = strongTags.flatMap(([tag, name, covers, usual]): PayloadDigest[] => {
    if (!header.has(tag)) return []
    const named = usual === 'sha256' ? algorithm : undefined
    if (usual === 'sha256' && !named)
      throw new RpmError('malformed-header', 'PAYLOADSHA256ALGO names an unknown digest')
    const facts = { name, algorithm: named?.name ?? usual, strength: named?.weak ? 'weak' : 'strong' } as const
    return digestsUnder(header, tag, facts).map(digest => ({ ...digest, covers }))
  })
  const md5 = isV6Signature(signature) ? undefined : signature.binary(SignatureTag.MD5)
  if (md5) {
    digests.push({
      name: 'MD5',
      covers: 'header+payload',
      algorithm: 'md5',
      strength: 'weak',
      expected: Buffer.from(md5).toString('hex'),
    })
  }
  return digests
}

/** rpm tells v6 by these two and then ignores every signature tag from 1000 on. */
export function isV6Signature(signature: Header): boolean {
  return signature.has(SignatureTag.RESERVED) && signature.has(SignatureTag.SHA3_256)
}

export interface DigestResult extends PayloadDigest {
  readonly holds: boolean
  readonly actual: string
}

/** Takes the payload's bytes as they pass and compares at the end. */
export class PayloadDigester {
  readonly #running: { digest: PayloadDigest; hash: Hash }[]

  constructor(digests: readonly PayloadDigest[], header: Uint8Array) {
    this.#running = digests.map(digest => ({ digest, hash: createHash(digest.algorithm) }))
    for (const { digest, hash } of this.#running) if (digest.covers === 'header+payload') hash.update(header)
  }

  compressed(chunk: Uint8Array): void {
    for (const { digest, hash } of this.#running) if (digest.covers !== 'uncompressed-payload') hash.update(chunk)
  }

  uncompressed(chunk: Uint8Array): void {
    for (const { digest, hash } of this.#running) if (digest.covers === 'uncompressed-payload') hash.update(chunk)
  }

  results(): DigestResult[] {
    return this.#running.map(({ digest, hash }) => {
      const actual = hash.digest('hex')
      return { ...digest, actual, holds: actual === digest.expected }
    })
  }
}

/**
 * Recompressing a payload is legal: a digest of one side may fail if its twin of the other side holds. Then MD5, which
 * also covers the compressed bytes, counts no more.
 */
export function failedDigests(results: readonly DigestResult[]): DigestResult[] {
  const held = (name: string) => results.some(result => result.name === name && result.holds)
  const recompressed = results.some(({ name, holds, covers }) => !holds && covers === 'payload' && held(`${name}ALT`))
  return results.filter(({ name, holds, covers }) => {
    if (holds) return false
    if (covers === 'header+payload') return !recompressed
    return !held(covers === 'payload' ? `${name}ALT` : name.replace(/ALT$/, ''))
  })
}
