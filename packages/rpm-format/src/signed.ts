import type { RpmPackage } from './package.ts'
import type { Signed } from './verify.ts'

const headerSignatures = [267, 268, 278] // DSA, RSA, OPENPGP
const wholeSignatures = [1002, 1005] // PGP, GPG; in v6 packages these numbers are meaningless

/**
 * What the signatures that there are cover, whoever made them and whether they hold or not. A signed header that holds
 * a strong digest of the payload signs that too.
 */
export function signedParts({ signature, format, payload }: RpmPackage): Signed {
  if (format !== 6 && wholeSignatures.some(tag => signature.has(tag))) return 'header+payload'
  if (!headerSignatures.some(tag => signature.has(tag))) return 'none'
  return payload.coverage === 'strong' ? 'header+payload' : 'header'
}
