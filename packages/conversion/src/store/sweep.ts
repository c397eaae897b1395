import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './durable.ts'
import { namesIn } from './inventory.ts'
import { type CacheLayout, trashName } from './layout.ts'
import { ownerFile, ownerState } from './owner.ts'

const STALE_MS = 120_000

/** Removes from staging/ what dead converters left there. Keeps what it saw between two calls. */
export class StagingSweep {
  #layout: CacheLayout
  #self: string
  #staleMs: number
  #seen = new Map<string, { beat: string; since: number }>()

  /** @param self id of this process's own Owner */
  constructor(layout: CacheLayout, self: string, staleMs: number = STALE_MS) {
    this.#layout = layout
    this.#self = self
    this.#staleMs = staleMs
  }

  /** @returns the names of the folders removed */
  async run(): Promise<string[]> {
    const names = await namesIn(this.#layout.staging)
    const owners = new Set(names.map(ownerOf))
    for (const known of this.#seen.keys()) if (!owners.has(known)) this.#seen.delete(known)
    const removed: string[] = []
    for (const owner of owners) {
      if (!(await this.#isDead(owner))) continue
      for (const name of names) {
        if (ownerOf(name) === owner && !name.endsWith('.owner') && (await this.#remove(name))) removed.push(name)
      }
      await rm(ownerFile(this.#layout, owner), { force: true })
    }
    return removed
  }

  /** Dead is who is known to be gone, or who did not beat while this process watched for long enough. */
  async #isDead(owner: string): Promise<boolean> {
    if (owner === this.#self) return false
    const state = await ownerState(this.#layout, owner)
    if (state === 'gone') return true
    if (state === 'alive') return false
    const seen = this.#seen.get(owner)
    if (seen?.beat === state.beat) return performance.now() - seen.since >= this.#staleMs
    this.#seen.set(owner, { beat: state.beat, since: performance.now() })
    return false
  }

  /** By way of the trash: if its owner lives after all, its publication fails as a whole. */
  async #remove(name: string): Promise<boolean> {
    const trash = join(this.#layout.trash, trashName(name))
    try {
      await rename(join(this.#layout.staging, name), trash)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false
      throw error
    }
    await rm(trash, { recursive: true, force: true })
    return true
  }
}

function ownerOf(name: string): string {
  return name.split('.', 1)[0] ?? name
}
