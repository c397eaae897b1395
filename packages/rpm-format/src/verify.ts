import type { Strength } from './digest-algorithms.ts'
import { RpmError } from './errors.ts'
import type { ReadOptions } from './limits.ts'
import type { Nevra } from './nevra.ts'
import type { Source } from './source.ts'

/** What good signatures by known keys vouch for; the payload counts as signed where a signed header holds its digest. */
export type Signed = 'none' | 'header' | 'header+payload'

export interface DigestCheck {
  readonly covers: 'header' | 'header+payload' | 'payload' | 'uncompressed-payload' | 'files'
  /** 'md5', 'sha1', 'sha256', 'sha512', 'sha3-256'; for files the algorithm of FILEDIGESTALGO. */
  readonly algorithm: string
  readonly strength: Strength
  readonly holds: boolean
}

export type SignatureStatus = 'good' | 'bad' | 'unknown-key' | 'unsupported' | 'unparsable'

export interface SignatureCheck {
  readonly tag: 'OPENPGP' | 'RSA' | 'DSA' | 'PGP' | 'GPG'
  readonly covers: 'header' | 'header+payload'
  readonly status: SignatureStatus
  /** Version of the OpenPGP packet (3, 4, 6), which has nothing to do with the package's. */
  readonly packetVersion: number | undefined
  /** Lowercase hex, 16 digits. */
  readonly keyId: string | undefined
  /** As OpenPGP names them: 'RSA', 'DSA', 'EdDSA', 'ECDSA', 'Ed25519' …; 'SHA256' … */
  readonly keyAlgorithm: string | undefined
  readonly hashAlgorithm: string | undefined
  /** Seconds since the epoch. */
  readonly created: number | undefined
  /** User id of the key that made it, where known. */
  readonly signer: string | undefined
  /** What is wrong, '' for good ones. */
  readonly message: string
}

export interface Verification {
  readonly nevra: Nevra
  /** Every digest held and, where a keyring was given, what is signed is signed well. */
  readonly ok: boolean
  readonly checked: Strength
  readonly signed: Signed
  readonly digests: readonly DigestCheck[]
  readonly signatures: readonly SignatureCheck[]
  /** One sentence each: why `ok` is false. */
  readonly problems: readonly string[]
}

/** Public keys that signatures are checked against: see loadKeyring. */
export interface Keyring {
  readonly size: number
}

export interface VerifyOptions extends ReadOptions {
  keyring?: Keyring | undefined
}

/** Every armored or binary OpenPGP public key in the files of a directory (or in one file). */
export async function loadKeyring(_path: string): Promise<Keyring> {
  throw new RpmError('bad-keyring', 'loadKeyring is being written')
}

/** Reads the whole package and reports every digest and signature; throws only where the package cannot be read at all. */
export async function verify(_source: Source, _options: VerifyOptions = {}): Promise<Verification> {
  throw new RpmError('not-an-rpm', 'verify is being written')
}
