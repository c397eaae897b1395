import { displayText } from './byte-string.ts'
import { parseCommand } from './cli-arguments.ts'
import { printable, writeLines } from './cli-output.ts'
import { withSource } from './cli-source.ts'
import { formatNevra } from './nevra.ts'
import { loadKeyring, type Verification, verify } from './verify.ts'

/** `rpm-format verify`: exit status 0 only if every digest held and, with a keyring, everything signed is signed well. */
export async function runVerify(args: string[]): Promise<number> {
  const { values, file } = parseCommand(args, {
    keyring: { type: 'string' },
    json: { type: 'boolean', default: false },
  })
  const keyring = values.keyring === undefined ? undefined : await loadKeyring(values.keyring)
  const result = await withSource(file, source => verify(source, { keyring }))
  await writeLines(values.json ? [JSON.stringify(result, null, 2)] : lines(result).map(printable))
  return result.ok ? 0 : 1
}

function lines({ nevra, ok, checked, signed, digests, signatures, problems }: Verification): string[] {
  return [
    `${displayText(formatNevra(nevra))}: ${ok ? 'OK' : 'NOT OK'}`,
    `checked: ${checked}, signed by known keys: ${signed}`,
    ...digests.map(({ covers, algorithm, holds }) => `${algorithm} of ${covers}: ${holds ? 'holds' : 'DOES NOT HOLD'}`),
    ...signatures.map(({ tag, covers, status, keyId, keyAlgorithm, hashAlgorithm, signer, message }) =>
      [
        `${tag} signature of ${covers}: ${status}`,
        keyAlgorithm,
        hashAlgorithm,
        keyId && `key ${keyId}`,
        signer,
        message,
      ]
        .filter(Boolean)
        .join(', '),
    ),
    ...problems.map(problem => `problem: ${problem}`),
  ]
}
