import type { Strength } from './digest-algorithms.ts'
import { openReading, type PayloadReading } from './entries.ts'
import { RpmError } from './errors.ts'
import { digestOf, headerDigests } from './header-digests.ts'
import type { ReadOptions } from './limits.ts'
import type { Nevra } from './nevra.ts'
import type { Keyring } from './openpgp/keyring.ts'
import { judgeSignatures, type SignatureCheck } from './signatures.ts'
import type { Source } from './source.ts'

export { type Keyring, loadKeyring } from './openpgp/keyring.ts'
export type { SignatureCheck, SignatureStatus } from './signatures.ts'

/** What good signatures by known keys vouch for; the payload counts as signed where a signed header holds its digest. */
export type Signed = 'none' | 'header' | 'header+payload'

export interface DigestCheck {
  readonly covers: 'header' | 'header+payload' | 'payload' | 'uncompressed-payload' | 'files'
  /** 'md5', 'sha1', 'sha256', 'sha512', 'sha3-256'; for files the algorithm of FILEDIGESTALGO. */
  readonly algorithm: string
  readonly strength: Strength
  readonly holds: boolean
}

export interface Verification {
  readonly nevra: Nevra
  /** Nothing stands in `problems`. */
  readonly ok: boolean
  /** The strongest digest that covers the payload and holds. */
  readonly checked: Strength
  readonly signed: Signed
  readonly digests: readonly DigestCheck[]
  readonly signatures: readonly SignatureCheck[]
  /**
   * One sentence each: digests that do not hold, a payload that cannot be read; with a keyring also whatever keeps
   * the whole package from being signed by one of its keys.
   */
  readonly problems: readonly string[]
}

export interface VerifyOptions extends ReadOptions {
  keyring?: Keyring | undefined
  /** Let signatures over MD5 or SHA-1, and those of RSA and DSA keys below 2048 bits, count as signatures. */
  acceptWeakSignatures?: boolean | undefined
}

/**
 * Reads the whole package and reports on every digest and signature. Throws only where there is no telling what it is:
 * no RPM, a header that cannot be read.
 */
export async function verify(source: Source, options: VerifyOptions = {}): Promise<Verification> {
  const reading = await openReading(source, { ...options, reportHeaderDigests: true })
  const { header, signature, nevra, payload } = reading.package
  const judge = judgeSignatures(signature, options.keyring)
  judge.header(header.bytes)
  reading.onCompressed = chunk => judge.payload(chunk)

  const failure = await readThrough(reading)
  const signatures = await judge.verdicts()
  const digests = [...headerChecks(reading), ...payloadChecks(reading, failure)]
  const good = signatures.filter(({ status, weak }) => status === 'good' && (!weak || options.acceptWeakSignatures))
  const intact = digests.every(({ holds }) => holds) && !failure
  const signed = intact ? signedBy(good, payload.coverage) : 'none'
  const problems = [
    ...headerChecks(reading).flatMap(({ holds, algorithm }) =>
      holds ? [] : [`the ${algorithm} of the header does not hold`],
    ),
    ...(failure ? [`${failure.code}: ${failure.message}`] : []),
    ...signatureProblems(signatures, signed, options),
  ]
  return {
    nevra,
    ok: problems.length === 0,
    checked: failure ? 'none' : (reading.outcome?.checked ?? 'none'),
    signed,
    digests,
    signatures,
    problems,
  }
}

async function readThrough(reading: PayloadReading): Promise<RpmError | undefined> {
  try {
    for await (const _ of reading.entries());
    return undefined
  } catch (error) {
    if (error instanceof RpmError) return error
    throw error
  }
}

function headerChecks({ package: { header, signature } }: PayloadReading): DigestCheck[] {
  return headerDigests(signature).map(({ algorithm, strength, expected }) => ({
    covers: 'header',
    algorithm,
    strength,
    holds: digestOf(algorithm, header.bytes) === expected,
  }))
}

function payloadChecks(reading: PayloadReading, failure: RpmError | undefined): DigestCheck[] {
  const { files } = reading.package
  const checks = reading.digests.map(
    ({ covers, algorithm, strength, holds }): DigestCheck => ({ covers, algorithm, strength, holds }),
  )
  if (files.haveDigests) {
    const { name, weak } = files.digestAlgorithm
    checks.push({ covers: 'files', algorithm: name, strength: weak ? 'weak' : 'strong', holds: failure === undefined })
  }
  return checks
}

function signedBy(good: readonly SignatureCheck[], coverage: Strength): Signed {
  if (good.length === 0) return 'none'
  if (good.some(({ covers }) => covers === 'header+payload')) return 'header+payload'
  return coverage === 'strong' ? 'header+payload' : 'header'
}

function signatureProblems(signatures: readonly SignatureCheck[], signed: Signed, options: VerifyOptions): string[] {
  const problems = signatures.flatMap(({ tag, status, message }) =>
    status === 'bad' || status === 'unparsable' ? [`the ${tag} signature is ${status}: ${message}`] : [],
  )
  if (!options.keyring || signed === 'header+payload') return problems
  if (signatures.length === 0) return [...problems, 'the package is not signed']
  if (signed === 'header') return [...problems, 'only the header is signed: nothing that is signed covers the payload']
  const reasons = signatures.map(
    ({ tag, status, keyId, weak }) =>
      `${tag}: ${weak && status === 'good' ? 'weak' : status}${keyId ? ` (key ${keyId})` : ''}`,
  )
  return [...problems, `no signature of a known key vouches for the package (${reasons.join(', ')})`]
}
