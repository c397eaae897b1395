import { RpmError } from './errors.ts'
import type { Header } from './header.ts'
import { keyAlgorithmName, signatureHash } from './openpgp/algorithms.ts'
import { SignedBytes } from './openpgp/check.ts'
import type { Keyring } from './openpgp/keyring.ts'
import { parseSignaturePackets, type SignaturePacket } from './openpgp/packet.ts'
import { keyBits, keyFamily } from './openpgp/public-key.ts'
import { isV6Signature } from './payload-digests.ts'
import { SignatureTag } from './tags.ts'

export type SignatureStatus = 'good' | 'bad' | 'unknown-key' | 'unsupported' | 'unparsable'

export interface SignatureCheck {
  readonly tag: 'OPENPGP' | 'RSA' | 'DSA' | 'PGP' | 'GPG'
  readonly covers: 'header' | 'header+payload'
  /** 'bad' also where the key may not sign, was revoked or had expired. 'unknown-key' where no keyring was given. */
  readonly status: SignatureStatus
  /** A hash or key that could be forged: MD5, SHA-1, RSA or DSA below 2048 bits. */
  readonly weak: boolean
  /** Version of the OpenPGP packet (3, 4, 6), which has nothing to do with the package's. */
  readonly packetVersion: number | undefined
  /** Lowercase hex, 16 digits. */
  readonly keyId: string | undefined
  /** As OpenPGP names them: 'RSA', 'DSA', 'EdDSA', 'ECDSA', 'Ed25519' …; 'SHA256' … */
  readonly keyAlgorithm: string | undefined
  readonly hashAlgorithm: string | undefined
  /** Seconds since the epoch. */
  readonly created: number | undefined
  /** First user id of the key that made it, where known. */
  readonly signer: string | undefined
  /** What is wrong, '' for good ones. */
  readonly message: string
}

/** Takes the signed bytes as they are read, header first, and judges at the end. */
export interface SignatureJudge {
  header(bytes: Uint8Array): void
  payload(chunk: Uint8Array): void
  verdicts(): Promise<SignatureCheck[]>
}

interface Candidate {
  readonly tag: SignatureCheck['tag']
  readonly covers: SignatureCheck['covers']
  readonly packet: SignaturePacket | undefined
  readonly bytes: SignedBytes | undefined
  readonly problem: string
}

const legacyTags = [
  [SignatureTag.RSA, 'RSA', 'header'],
  [SignatureTag.DSA, 'DSA', 'header'],
  [SignatureTag.PGP, 'PGP', 'header+payload'],
  [SignatureTag.GPG, 'GPG', 'header+payload'],
] as const

export function judgeSignatures(signature: Header, keyring: Keyring | undefined): SignatureJudge {
  const candidates = findSignatures(signature)
  return {
    header(bytes) {
      for (const candidate of candidates) candidate.bytes?.update(bytes)
    },
    payload(chunk) {
      for (const { covers, bytes } of candidates) if (covers === 'header+payload') bytes?.update(chunk)
    },
    verdicts: () => Promise.all(candidates.map(candidate => judge(candidate, keyring))),
  }
}

/** As rpm does: where OPENPGP holds anything that can be read, the older tags are not looked at. */
function findSignatures(signature: Header): Candidate[] {
  const modern = (signature.strings(SignatureTag.OPENPGP) ?? []).flatMap(base64 =>
    candidatesOf('OPENPGP', 'header', Buffer.from(base64, 'base64')),
  )
  if (modern.some(({ packet }) => packet)) return modern
  const isV6 = isV6Signature(signature)
  const legacy = legacyTags.flatMap(([tag, name, covers]) => {
    if (isV6 && covers === 'header+payload') return []
    const bytes = signature.binary(tag)
    return bytes ? candidatesOf(name, covers, Buffer.from(bytes)) : []
  })
  return [...modern, ...legacy]
}

function candidatesOf(tag: Candidate['tag'], covers: Candidate['covers'], bytes: Buffer): Candidate[] {
  try {
    const packets = parseSignaturePackets(bytes)
    if (packets.length === 0)
      return [{ tag, covers, packet: undefined, bytes: undefined, problem: 'no signature in it' }]
    return packets.map(packet => ({ tag, covers, packet, bytes: usable(packet), problem: '' }))
  } catch (error) {
    if (!(error instanceof RpmError)) throw error
    return [{ tag, covers, packet: undefined, bytes: undefined, problem: error.message }]
  }
}

function usable(packet: SignaturePacket): SignedBytes | undefined {
  return keyFamily(packet.keyAlgorithm) ? SignedBytes.of(packet) : undefined
}

async function judge(candidate: Candidate, keyring: Keyring | undefined): Promise<SignatureCheck> {
  const { packet } = candidate
  if (!packet) return verdict(candidate, 'unparsable', candidate.problem)
  const hash = signatureHash(packet.hashAlgorithm)
  if (!candidate.bytes || !hash) {
    return verdict(
      candidate,
      'unsupported',
      `${keyAlgorithmName(packet.keyAlgorithm)} with hash ${packet.hashAlgorithm} cannot be checked`,
    )
  }
  if (packet.type !== 0) return verdict(candidate, 'bad', `a signature of the type ${packet.type}, not over bytes`)
  if (packet.unknownCritical.length > 0) {
    return verdict(
      candidate,
      'unsupported',
      `it depends on subpackets that are unknown here: ${packet.unknownCritical.join(', ')}`,
    )
  }
  if (packet.keyId === undefined) return verdict(candidate, 'unsupported', 'it does not say which key made it')
  if (!keyring) return verdict(candidate, 'unknown-key', 'no keyring was given')
  if (!keyring.knows(packet.keyId)) return verdict(candidate, 'unknown-key', `the keyring has no key ${packet.keyId}`)
  if (isExpired(packet)) return verdict(candidate, 'bad', 'the signature has expired')
  try {
    const { numbers, userId } = await keyring.find(packet.keyId, packet.created)
    const bits = keyBits(numbers)
    const weak = hash.weak || (bits > 0 && bits < 2048)
    const holds = candidate.bytes.madeBy(numbers)
    return {
      ...verdict(candidate, holds ? 'good' : 'bad', holds ? '' : 'the key did not sign these bytes'),
      weak,
      signer: userId,
    }
  } catch (error) {
    return verdict(candidate, 'bad', (error as Error).message)
  }
}

function isExpired({ created, expires }: SignaturePacket): boolean {
  return created !== undefined && expires !== undefined && expires > 0 && (created + expires) * 1000 < Date.now()
}

function verdict({ tag, covers, packet }: Candidate, status: SignatureStatus, message: string): SignatureCheck {
  const hash = packet && signatureHash(packet.hashAlgorithm)
  return {
    tag,
    covers,
    status,
    weak: hash?.weak ?? false,
    packetVersion: packet?.version,
    keyId: packet?.keyId,
    keyAlgorithm: packet && keyAlgorithmName(packet.keyAlgorithm),
    hashAlgorithm: packet && (hash?.name ?? `hash ${packet.hashAlgorithm}`),
    created: packet?.created,
    signer: undefined,
    message,
  }
}
