import { join } from 'node:path'
import { identityText } from '../identity.ts'
import type { PackageRelations } from '../plan/package-relations.ts'
import { type CatalogEntry, keyOf } from './entry.ts'
import { Journal } from './journal.ts'

interface RelationRecord {
  k: string
  /** identityText() */
  i: string
  p: string[]
  r: string[]
  c: string[]
  o: string[]
  a: string[]
  f: string
  m?: string
}

const HEADER = JSON.stringify({ diskful: 'catalog relations', version: 1 })

/**
 * What packages require and provide, kept on disk until the first plan is asked for: most processes never plan, and for
 * 20,000 packages this is a hundred times what names and versions are.
 */
export class RelationStore {
  readonly #journal: Journal | undefined
  readonly #readPackage: (entry: CatalogEntry) => Promise<PackageRelations | undefined>
  #unwritten: RelationRecord[] = []
  #loaded: Map<string, { identity: string; relations: PackageRelations }> | undefined
  /** One string for all that are equal: most packages need the same libraries. */
  readonly #texts = new Map<string, string>()

  /** @param read reads them from the package itself; undefined when that cannot be done (any more) */
  constructor(stateFolder: string | undefined, read: (entry: CatalogEntry) => Promise<PackageRelations | undefined>) {
    this.#readPackage = read
    if (stateFolder === undefined) this.#loaded = new Map()
    else this.#journal = new Journal({ path: join(stateFolder, 'relations.jsonl'), header: HEADER })
  }

  put(entry: CatalogEntry, relations: PackageRelations): void {
    const record = recordOf(entry, relations)
    if (this.#journal) this.#unwritten.push(record)
    this.#keep(record)
  }

  /** Throws what the operating system throws; nothing is lost then but a rereading. */
  flush(): void {
    const records = this.#unwritten
    this.#unwritten = []
    this.#journal?.append(records)
  }

  /** Relations of these entries; packages that nothing is known of are read. What cannot be read is left out. */
  async of(entries: Iterable<CatalogEntry>): Promise<{ entry: CatalogEntry; relations: PackageRelations }[]> {
    const wanted = [...entries].filter(({ isSource }) => !isSource)
    this.#loaded ??= this.#load(new Set(wanted.map(keyOf)))
    const found: { entry: CatalogEntry; relations: PackageRelations }[] = []
    for (const entry of wanted) {
      const relations = this.#known(entry) ?? (await this.#read(entry))
      if (relations) found.push({ entry, relations })
    }
    return found
  }

  close(): void {
    this.flush()
    this.#journal?.close()
  }

  #known(entry: CatalogEntry): PackageRelations | undefined {
    const kept = this.#loaded?.get(keyOf(entry))
    return kept?.identity === identityText(entry.identity) ? kept.relations : undefined
  }

  async #read(entry: CatalogEntry): Promise<PackageRelations | undefined> {
    // An admin's TAR requires nothing that could be known.
    if (entry.type === 'tar') return NONE
    const relations = await this.#readPackage(entry)
    if (relations) this.put(entry, relations)
    return relations
  }

  /** Reads the file; rewrites it when most of it is about files that are gone or have changed. */
  #load(there: ReadonlySet<string>): Map<string, { identity: string; relations: PackageRelations }> {
    this.flush()
    const records = new Map<string, RelationRecord>()
    let lines = 0
    const damaged = this.#journal!.read(record => {
      lines++
      if (isRelationRecord(record)) records.set(record.k, record)
    })
    const live = [...records.values()].filter(({ k }) => there.has(k))
    if (damaged > 0 || (live.length > 0 && lines > 2 * live.length + 1000)) this.#journal!.rewrite(live)
    this.#loaded = new Map()
    for (const record of live) this.#keep(record)
    return this.#loaded
  }

  #keep({ k, i, p, r, c, o, a, f, m }: RelationRecord): void {
    const shared = (texts: string[]) => texts.map(text => this.#shared(text))
    const relations: PackageRelations = {
      provides: shared(p),
      requires: shared(r),
      conflicts: shared(c),
      obsoletes: shared(o),
      after: shared(a),
      files: f,
      ...(m !== undefined && { multiArch: m }),
    }
    this.#loaded?.set(k, { identity: i, relations })
  }

  #shared(text: string): string {
    const kept = this.#texts.get(text)
    if (kept !== undefined) return kept
    this.#texts.set(text, text)
    return text
  }
}

const NONE: PackageRelations = { provides: [], requires: [], conflicts: [], obsoletes: [], after: [], files: '' }

function recordOf(entry: CatalogEntry, relations: PackageRelations): RelationRecord {
  const { provides: p, requires: r, conflicts: c, obsoletes: o, after: a, files: f, multiArch } = relations
  const record = { k: keyOf(entry), i: identityText(entry.identity), p, r, c, o, a, f }
  return multiArch === undefined ? record : { ...record, m: multiArch }
}

function isRelationRecord(record: unknown): record is RelationRecord {
  if (typeof record !== 'object' || record === null) return false
  const { k, i, p, r, c, o, a, f } = record as Record<string, unknown>
  return typeof k === 'string' && typeof i === 'string' && typeof f === 'string' && [p, r, c, o, a].every(Array.isArray)
}
