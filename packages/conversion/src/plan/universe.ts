import { canonicalArch } from '../catalog/arch.ts'
import { type CatalogEntry, evrText, type PackageType } from '../catalog/entry.ts'
import type { PackageRelations } from './package-relations.ts'
import { pathHash } from './path-hash.ts'
import { debSatisfies, type Relation, rpmOverlap } from './relation.ts'
import { parseDebAlternatives, parseRequirement, parseRpmRelation, type Requirement } from './requirement.ts'

/** A package that could be installed. */
export interface Offer {
  id: number
  entry: CatalogEntry
  /** `[epoch:]version[-release]` */
  evr: string
  relations: PackageRelations
}

interface Provision {
  offer: Offer
  relation: Relation
}

/** All that a catalog offers of one kind (TARs are made from RPMs and join them), by what it provides. */
export class Universe {
  readonly type: PackageType
  /** The rules that its packages follow. */
  readonly dialect: 'rpm' | 'deb'
  readonly offers: readonly Offer[]
  readonly #provided = new Map<string, Provision[]>()
  readonly #requirements = new Map<Offer, Requirement[]>()
  readonly #rivals = new Map<Offer, ReadonlySet<Offer>>()
  /** Hash of a path that some package requires → who has it. */
  #owners: Map<number, Offer[]> | undefined

  constructor(type: PackageType, packages: Iterable<{ entry: CatalogEntry; relations: PackageRelations }>) {
    this.type = type
    this.dialect = type === 'deb' ? 'deb' : 'rpm'
    this.offers = [...packages].map(({ entry, relations }, id) => ({ id, entry, evr: evrText(entry), relations }))
    for (const offer of this.offers) this.#index(offer)
  }

  requirementsOf(offer: Offer): readonly Requirement[] {
    let requirements = this.#requirements.get(offer)
    if (!requirements) {
      requirements = offer.relations.requires.map(text => parseRequirement(this.dialect, text))
      this.#requirements.set(offer, requirements)
    }
    return requirements
  }

  /** Everything that fulfils a relation, whatever its arch, in no order of preference. */
  providers(relation: Relation): Offer[] {
    const found = new Set<Offer>()
    for (const { offer, relation: provided } of this.#provided.get(relation.name) ?? []) {
      if (this.#matches(provided, relation)) found.add(offer)
    }
    if (this.dialect === 'rpm' && relation.name.startsWith('/') && relation.operator === '') {
      for (const path of aliasesOf(relation.name)) for (const offer of this.#ownersOf(path)) found.add(offer)
    }
    return [...found]
  }

  /** What cannot be installed beside it, by its own word; the others' words on it are theirs. */
  rivalsOf(offer: Offer): ReadonlySet<Offer> {
    let rivals = this.#rivals.get(offer)
    if (!rivals) {
      rivals = this.#findRivals(offer)
      this.#rivals.set(offer, rivals)
    }
    return rivals
  }

  #findRivals(offer: Offer): Set<Offer> {
    const rivals = new Set<Offer>()
    for (const relation of this.#parseAll(offer.relations.conflicts)) {
      for (const rival of this.providers(relation)) rivals.add(rival)
    }
    for (const relation of this.#parseAll(offer.relations.obsoletes)) {
      // Obsoletes looks at names of packages only, not at what they provide.
      for (const rival of this.providers(relation)) {
        if (rival.entry.name === relation.name && this.#matches(ownName(rival), relation)) rivals.add(rival)
      }
    }
    // A package conflicts neither with itself nor with its other builds, which one name excludes anyway.
    for (const rival of rivals) if (rival.entry.name === offer.entry.name) rivals.delete(rival)
    return rivals
  }

  #parseAll(texts: readonly string[]): Relation[] {
    if (this.dialect === 'deb') return texts.flatMap(parseDebAlternatives)
    // Rich conflicts need to know what the node has.
    return texts.filter(text => !text.startsWith('(')).map(parseRpmRelation)
  }

  #index(offer: Offer): void {
    this.#provide(offer, ownName(offer))
    const provides = offer.relations.provides
    const parsed = this.dialect === 'deb' ? provides.flatMap(parseDebAlternatives) : provides.map(parseRpmRelation)
    for (const relation of parsed) this.#provide(offer, relation)
  }

  #provide(offer: Offer, relation: Relation): void {
    const list = this.#provided.get(relation.name)
    if (list) list.push({ offer, relation })
    else this.#provided.set(relation.name, [{ offer, relation }])
  }

  #matches(provided: Relation, wanted: Relation): boolean {
    if (this.dialect === 'rpm') return rpmOverlap(provided, wanted)
    // Debian: a provision without a version fulfils only what asks for none.
    if (wanted.operator === '') return true
    return provided.operator === '=' && debSatisfies(provided.version, wanted)
  }

  #ownersOf(path: string): readonly Offer[] {
    this.#owners ??= this.#findOwners()
    return this.#owners.get(pathHash(path)) ?? []
  }

  /** Only of paths that somebody asks for: there are millions of others. */
  #findOwners(): Map<number, Offer[]> {
    const owners = new Map<number, Offer[]>()
    for (const path of this.#wantedPaths()) for (const alias of aliasesOf(path)) owners.set(pathHash(alias), [])
    for (const offer of this.offers) {
      for (const hash of hashesIn(offer.relations.files)) owners.get(hash)?.push(offer)
    }
    return owners
  }

  *#wantedPaths(): Generator<string, void, undefined> {
    for (const { relations } of this.offers) {
      for (const text of [...relations.requires.map(requirement => requirement.slice(1)), ...relations.conflicts]) {
        if (text.startsWith('/')) yield text
        else if (text.startsWith('(')) yield* text.match(/(?<=[\s(])\/[^\s()]+/g) ?? []
      }
    }
  }
}

function ownName({ entry, evr }: Offer): Relation {
  // An admin's TAR without a version stands for any.
  return { name: entry.name, operator: evr === '' ? '' : '=', version: evr, qualifier: '' }
}

const MERGED = /^(\/usr)?(\/(?:bin|sbin|lib|lib64)\/.*)$/

/** On merged systems /bin/x is /usr/bin/x; packages name either. */
function aliasesOf(path: string): string[] {
  const match = MERGED.exec(path)
  if (!match) return [path]
  return match[1] === undefined ? [path, `/usr${path}`] : [path, match[2]!]
}

function hashesIn(files: string): Float64Array {
  const bytes = Buffer.from(files, 'base64')
  return new Float64Array(new Uint8Array(bytes).buffer)
}

/** Whether two packages of one name may be installed side by side: builds for two arches may, but for TARs, which all go to /opt/scyld/NAME. */
export function mayCoexist({ type, dialect }: Universe, a: Offer, b: Offer): boolean {
  if (type === 'tar') return false
  if (canonicalArch(a.entry.arch) === canonicalArch(b.entry.arch)) return false
  if (a.evr !== b.evr) return false
  return dialect === 'rpm' || (a.relations.multiArch === 'same' && b.relations.multiArch === 'same')
}
