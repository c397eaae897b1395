/** Numbers of OpenPGP key algorithms that can have signed. */
export const KeyAlgorithm = { RSA: 1, RSA_SIGN: 3, DSA: 17, ECDSA: 19, EDDSA: 22, ED25519: 27, ED448: 28 } as const

const keyNames: Record<number, string> = {
  1: 'RSA',
  3: 'RSA',
  17: 'DSA',
  19: 'ECDSA',
  22: 'EdDSA',
  27: 'Ed25519',
  28: 'Ed448',
  30: 'ML-DSA-65+Ed25519',
  31: 'ML-DSA-87+Ed448',
}

export function keyAlgorithmName(id: number): string {
  return keyNames[id] ?? `algorithm ${id}`
}

const hashes: Record<number, { name: string; node: string; weak: boolean }> = {
  1: { name: 'MD5', node: 'md5', weak: true },
  2: { name: 'SHA1', node: 'sha1', weak: true },
  3: { name: 'RIPEMD160', node: 'ripemd160', weak: true },
  8: { name: 'SHA256', node: 'sha256', weak: false },
  9: { name: 'SHA384', node: 'sha384', weak: false },
  10: { name: 'SHA512', node: 'sha512', weak: false },
  11: { name: 'SHA224', node: 'sha224', weak: false },
  12: { name: 'SHA3-256', node: 'sha3-256', weak: false },
  14: { name: 'SHA3-512', node: 'sha3-512', weak: false },
}

/** `node` is the name for node:crypto; a weak one could be forged. */
export function signatureHash(id: number): { name: string; node: string; weak: boolean } | undefined {
  return hashes[id]
}
