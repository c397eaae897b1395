import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { StatIdentity } from '../identity.ts'
import { identityText } from '../identity.ts'
import { Journal } from './journal.ts'
import { hashRecord, INDEX_HEADER, type IndexRecord, type Known, knownRecord, readRecord } from './records.ts'

/**
 * What the catalog knows of files, by their state: their facts or faults, and their SHA-256. Outlives a restart where
 * there is a state folder. Files that are gone stay known for the life of the process: a file server that comes back
 * brings them back.
 */
export class CatalogState {
  readonly #journal: Journal | undefined
  readonly #known = new Map<string, Known>()
  readonly #hashes = new Map<string, { identity: string; sha256: string; of: StatIdentity }>()
  #unwritten: IndexRecord[] = []
  #lines = 0

  private constructor(journal: Journal | undefined) {
    this.#journal = journal
  }

  /** Never fails for what it finds: a file that cannot be read is begun anew, and `report` is told. */
  static open(stateFolder: string | undefined, report: (message: string, error: unknown) => void): CatalogState {
    if (stateFolder === undefined) return new CatalogState(undefined)
    const journal = new Journal({ path: join(stateFolder, 'catalog.jsonl'), header: INDEX_HEADER })
    try {
      mkdirSync(stateFolder, { recursive: true })
      const state = new CatalogState(journal)
      state.#load(journal)
      return state
    } catch (error) {
      report('the index of packages cannot be kept', error)
      return new CatalogState(undefined)
    }
  }

  /** Whether it outlives the process. */
  get isKept(): boolean {
    return this.#journal !== undefined
  }

  known(key: string): Known | undefined {
    return this.#known.get(key)
  }

  learn(key: string, known: Known): void {
    this.#known.set(key, known)
    this.#unwritten.push(knownRecord(key, known))
  }

  sha256(key: string, identity: StatIdentity): string | undefined {
    const hash = this.#hashes.get(key)
    return hash?.identity === identityText(identity) ? hash.sha256 : undefined
  }

  learnSha256(key: string, identity: StatIdentity, sha256: string): void {
    this.#hashes.set(key, { identity: identityText(identity), sha256, of: identity })
    this.#unwritten.push(hashRecord(key, identity, sha256))
  }

  /** Appends what was learnt since. Throws what the operating system throws; nothing is lost then but a rereading. */
  flush(): void {
    const records = this.#unwritten
    this.#unwritten = []
    this.#lines += records.length
    this.#journal?.append(records)
  }

  /** Rewrites the file without the files that are gone, when that makes it much shorter. */
  compact(isThere: (key: string) => boolean): void {
    const live = [...this.#known.keys()].filter(isThere).length
    // An empty folder may be a mount that is missing: what is known of it will be wanted again.
    if (live === 0 || this.#lines <= 2 * live + 1000) return
    this.#rewrite(isThere)
  }

  close(): void {
    this.flush()
    this.#journal?.close()
  }

  #load(journal: Journal): void {
    const damaged = journal.read(record => {
      const read = readRecord(record)
      if (!read) return
      this.#lines++
      if (read.known) this.#known.set(read.key, read.known)
      if (read.sha256 !== undefined) {
        this.#hashes.set(read.key, { identity: identityText(read.identity), sha256: read.sha256, of: read.identity })
      }
    })
    if (damaged > 0) this.#rewrite(() => true)
  }

  #rewrite(isThere: (key: string) => boolean): void {
    const records: IndexRecord[] = []
    for (const [key, known] of this.#known) if (isThere(key)) records.push(knownRecord(key, known))
    for (const [key, { of, sha256 }] of this.#hashes) if (isThere(key)) records.push(hashRecord(key, of, sha256))
    this.#journal?.rewrite(records)
    this.#lines = records.length
  }
}
