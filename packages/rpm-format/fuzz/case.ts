import { rpmToTar } from '../src/convert.ts'
import { openPackage } from '../src/entries.ts'
import { RpmError } from '../src/errors.ts'
import type { Keyring } from '../src/openpgp/keyring.ts'
import { verify } from '../src/verify.ts'
import { chunked } from '../test/support/reading.ts'
import type { Base } from './bases.ts'
import { mutate } from './mutations.ts'
import { Random } from './random.ts'

export interface CaseInput {
  readonly name: string
  readonly bytes: Buffer
  readonly random: Random
}

export function makeCase(bases: readonly Base[], seed: number, number: number): CaseInput {
  const random = new Random(seed, number)
  const base = random.pick(bases)
  return { name: base.name, bytes: mutate(base, random), random }
}

/** 'accepted' or the code of the refusal; throws what must never happen. */
export async function runCase({ bytes, random }: CaseInput, keyring: Keyring): Promise<string> {
  const size = random.pick([1 + random.below(64), 1 + random.below(4096), bytes.length || 1])
  const verdict = await outcome(() => readEntries(bytes, size))
  // Small ones again, in other chunks: a verdict may not depend on where reads end.
  if (bytes.length < 16_384 && random.chance(0.2)) {
    const again = await outcome(() => readEntries(bytes, random.pick([1, 3, 110, bytes.length || 1])))
    // How far a bomb gets before it is stopped depends on chunks.
    if (again !== verdict && ![again, verdict].includes('payload-too-large'))
      throw new Error(`${verdict} in chunks of ${size}, otherwise ${again}`)
  }
  if (random.chance(0.25)) {
    const layout = random.pick(['root', 'scyld'] as const)
    const tar = await outcome(() => readTar(bytes, layout))
    if (tar === 'accepted' && verdict !== 'accepted')
      throw new Error(`refused as ${verdict}, but a TAR in the layout ${layout} was made`)
  }
  if (random.chance(0.25)) {
    await outcome(async () => {
      const { ok, problems } = await verify(bytes, { keyring })
      if (ok !== (problems.length === 0)) throw new Error('ok disagrees with problems')
      if (ok && verdict !== 'accepted') throw new Error(`refused as ${verdict}, but verified`)
    })
  }
  return verdict
}

async function outcome(read: () => Promise<void>): Promise<string> {
  try {
    await read()
    return 'accepted'
  } catch (error) {
    if (error instanceof RpmError) return error.code
    throw error
  }
}

async function readEntries(bytes: Buffer, size: number): Promise<void> {
  const opened = await openPackage(chunked(bytes, size))
  opened.package.dependencies('requires')
  opened.package.dependencies('provides')
  for await (const { content, file } of opened.entries()) {
    let length = 0
    for await (const piece of content) length += piece.length
    if (file.type === 'file' && length !== file.size) throw new Error(`${length} bytes of ${file.size} of ${file.path}`)
  }
  if (!opened.outcome) throw new Error('the entries ended without an outcome')
}

async function readTar(bytes: Buffer, layout: 'root' | 'scyld'): Promise<void> {
  for await (const _ of rpmToTar(bytes, { layout }));
}
