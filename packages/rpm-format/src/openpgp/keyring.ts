import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config, Key, Subkey } from 'openpgp'
import { RpmError } from '../errors.ts'
import type { PublicNumbers } from './public-key.ts'

type OpenPgp = typeof import('openpgp')

export interface FoundKey {
  readonly numbers: PublicNumbers
  readonly userId: string
}

const largestFile = 16 * 1024 * 1024
const armor = /-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g

/** Public keys that signatures are checked against: see loadKeyring. */
export interface Keyring {
  /** Number of keys, subkeys not counted. */
  readonly size: number
  /** Is there any key or subkey of this id (16 hex digits), valid or not? */
  knows(keyId: string): boolean
  /**
   * The key or subkey of this id, if it may sign and was valid at that time (seconds since the epoch): OpenPGP decides
   * about bindings, expiry and revocations. Rejects with the library's reason where it may not.
   */
  find(keyId: string, created: number | undefined): Promise<FoundKey>
}

class OpenPgpKeyring implements Keyring {
  readonly #keys: readonly Key[]
  readonly #config: Config

  constructor(keys: readonly Key[], config: Config) {
    this.#keys = keys
    this.#config = config
  }

  get size(): number {
    return this.#keys.length
  }

  knows(keyId: string): boolean {
    return this.#keys.some(key => key.getKeys().some(part => part.getKeyID().toHex() === keyId))
  }

  async find(keyId: string, created: number | undefined): Promise<FoundKey> {
    const owner = this.#keys.find(key => key.getKeys().some(part => part.getKeyID().toHex() === keyId))
    if (!owner) throw new Error('the keyring has no such key')
    const part = owner.getKeys().find(candidate => candidate.getKeyID().toHex() === keyId)!
    const date = created === undefined ? new Date() : askedAt(owner, part, created * 1000)
    const key: Key | Subkey = await owner.getSigningKey(part.getKeyID(), date, undefined, this.#config)
    const packet = key.keyPacket as unknown as { algorithm: number; publicParams: Record<string, unknown> }
    return {
      numbers: { algorithm: packet.algorithm, parameters: packet.publicParams },
      userId: owner.getUserIDs()[0] ?? '',
    }
  }
}

/**
 * The time to ask about a key: that of the signature. But whoever moves a key's expiry replaces what the key says of itself,
 * and then all of that may be younger than packages that it signed: it is asked about as of the first it still says.
 */
function askedAt(owner: Key, part: Key | Subkey, made: number): Date {
  if (part.getCreationTime().getTime() > made) throw new Error('the key is younger than the signature')
  // Its types leave this one out.
  const { directSignatures = [] } = owner as Key & { directSignatures?: readonly Dated[] }
  const says = [...directSignatures, ...owner.users.flatMap(user => user.selfCertifications)]
  const binds = 'bindingSignatures' in part ? part.bindingSignatures : []
  return new Date(Math.max(made, first(says), first(binds)))
}

interface Dated {
  readonly created: Date | null
}

/** Milliseconds since the epoch. */
function first(signatures: readonly Dated[]): number {
  const times = signatures.flatMap(({ created }) => created?.getTime() ?? [])
  return times.length > 0 ? Math.min(...times) : 0
}

/**
 * Every armored or binary OpenPGP public key in the files of a directory (not of its subdirectories), or in one file.
 * Files without a key are passed over; a key that cannot be read, and a folder without any, is 'bad-keyring'.
 */
export async function loadKeyring(path: string): Promise<Keyring> {
  const openpgp = await loadOpenPgp()
  const config = configOf(openpgp)
  const keys: Key[] = []
  for (const file of await filesIn(path)) {
    const bytes = await readFile(file)
    try {
      for (const block of keyBlocks(bytes)) keys.push(...(await openpgp.readKeys({ ...block, config } as never)))
    } catch (error) {
      throw new RpmError('bad-keyring', `${file} holds a key that cannot be read: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }
  if (keys.length === 0) throw new RpmError('bad-keyring', `there is no OpenPGP public key in ${path}`)
  return new OpenPgpKeyring(keys, config)
}

async function filesIn(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const files: string[] = []
    for (const name of (await readdir(path)).toSorted()) {
      const file = join(path, name)
      const { size } = await stat(file)
      if ((await stat(file)).isFile() && size <= largestFile) files.push(file)
    }
    return files
  } catch (error) {
    throw new RpmError('bad-keyring', `the keyring ${path} cannot be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

function keyBlocks(bytes: Buffer): ({ armoredKeys: string } | { binaryKeys: Uint8Array })[] {
  const armored = bytes.toString('latin1').match(armor)
  if (armored) return armored.map(armoredKeys => ({ armoredKeys }))
  const isKeyPacket = bytes[0] === 0x98 || bytes[0] === 0x99 || bytes[0] === 0x9a || bytes[0] === 0xc6
  return isKeyPacket ? [{ binaryKeys: new Uint8Array(bytes) }] : []
}

async function loadOpenPgp(): Promise<OpenPgp> {
  try {
    return await import('openpgp')
  } catch (error) {
    throw new RpmError('openpgp-missing', 'checking signatures needs the package openpgp: npm install openpgp', {
      cause: error,
    })
  }
}

/** Real archives are signed by old keys: what is too weak to trust is judged by verify(), not refused unread. */
function configOf(openpgp: OpenPgp): Config {
  return {
    ...openpgp.config,
    rejectPublicKeyAlgorithms: new Set(),
    rejectHashAlgorithms: new Set([openpgp.enums.hash.md5, openpgp.enums.hash.ripemd]),
    minRSABits: 1024,
  }
}
