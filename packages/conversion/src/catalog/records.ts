import type { StatIdentity } from '../identity.ts'
import type { CatalogEntry, PackageType } from './entry.ts'
import type { Problem } from './folder-tree.ts'
import type { PackageFacts } from './read-facts.ts'

/** What is known of one state of one file. */
export type Known = { identity: StatIdentity } & (
  | { facts: PackageFacts; problem?: undefined }
  | { problem: Problem; facts?: undefined }
)

/** One line of the index: short keys, since there are tens of thousands of them. */
export type IndexRecord =
  | { k: string; i: IdentityFields; f: FactFields }
  | { k: string; i: IdentityFields; x: [code: string, message: string] }
  | { k: string; i: IdentityFields; h: string }

type IdentityFields = [dev: string, ino: string, size: number, mtimeNs: string, ctimeNs: string]
type FactFields = [
  name: string,
  epoch: number | null,
  version: string,
  release: string,
  arch: string,
  isSource: 0 | 1,
  nevra: string,
  tarFormat?: string,
]

/** Raise it when what is read from packages changes: everything is read again then. */
export const INDEX_HEADER = JSON.stringify({ diskful: 'catalog index', version: 1 })

export function knownRecord(key: string, { identity, facts, problem }: Known): IndexRecord {
  const i = identityFields(identity)
  if (problem) return { k: key, i, x: [problem.code, problem.message] }
  const { name, epoch, version, release, arch, isSource, nevra, tarFormat } = facts
  const f: FactFields = [name, epoch ?? null, version, release, arch, isSource ? 1 : 0, nevra]
  if (tarFormat !== undefined) f.push(tarFormat)
  return { k: key, i, f }
}

export function hashRecord(key: string, identity: StatIdentity, sha256: string): IndexRecord {
  return { k: key, i: identityFields(identity), h: sha256 }
}

/** undefined for a record that is not one of ours. */
export function readRecord(
  record: unknown,
): { key: string; identity: StatIdentity; known?: Known; sha256?: string } | undefined {
  if (!isRecord(record)) return undefined
  const [dev, ino, size, mtimeNs, ctimeNs] = record.i
  const identity = { dev, ino, size, mtimeNs, ctimeNs }
  if ('h' in record) return { key: record.k, identity, sha256: record.h }
  if ('x' in record) {
    const [code, message] = record.x
    return { key: record.k, identity, known: { identity, problem: { code, message } } }
  }
  const [name, epoch, version, release, arch, isSource, nevra, tarFormat] = record.f
  const facts = { name, epoch: epoch ?? undefined, version, release, arch, isSource: isSource === 1, nevra }
  return {
    key: record.k,
    identity,
    known: { identity, facts: tarFormat === undefined ? facts : { ...facts, tarFormat } },
  }
}

export function entryOf(type: PackageType, file: string, identity: StatIdentity, facts: PackageFacts): CatalogEntry {
  return { type, file, fileName: file.slice(file.lastIndexOf('/') + 1), ...facts, identity }
}

function identityFields({ dev, ino, size, mtimeNs, ctimeNs }: StatIdentity): IdentityFields {
  return [dev, ino, size, mtimeNs, ctimeNs]
}

/** Enough to be sure that reading it does not throw: the file is ours, but a disk may do anything to it. */
function isRecord(record: unknown): record is IndexRecord {
  if (typeof record !== 'object' || record === null) return false
  const { k, i, f, x, h } = record as Record<string, unknown>
  return (
    typeof k === 'string' &&
    Array.isArray(i) &&
    i.length === 5 &&
    (typeof h === 'string' || isTexts(x, 2) || (Array.isArray(f) && isTexts([f[0], f[2], f[3], f[4], f[6]], 5)))
  )
}

function isTexts(value: unknown, length: number): boolean {
  return Array.isArray(value) && value.length === length && value.every(text => typeof text === 'string')
}
