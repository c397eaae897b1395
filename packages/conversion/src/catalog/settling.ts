import { sameIdentity } from '../identity.ts'
import { keyOf } from './entry.ts'
import type { FoundFile } from './folder-tree.ts'

/** Files that were seen once in their present state, and when to look again. */
export class Settling {
  readonly #settleMs: number
  readonly #files = new Map<string, { found: FoundFile; due: number }>()

  constructor(settleMs: number) {
    this.#settleMs = settleMs
  }

  get size(): number {
    return this.#files.size
  }

  has(key: string): boolean {
    return this.#files.has(key)
  }

  keys(): Iterable<string> {
    return this.#files.keys()
  }

  /** Starts its time anew when the state is another one than that seen last. */
  see(found: FoundFile, now: number): void {
    const key = keyOf(found)
    const seen = this.#files.get(key)
    if (seen && sameIdentity(seen.found.identity, found.identity)) return
    this.#files.set(key, { found, due: now + this.#settleMs })
  }

  drop(key: string): void {
    this.#files.delete(key)
  }

  /** Takes out those whose time is over. */
  takeDue(now: number): FoundFile[] {
    const due: FoundFile[] = []
    for (const [key, { found, due: at }] of this.#files) {
      if (at > now) continue
      due.push(found)
      this.#files.delete(key)
    }
    return due
  }

  nextDue(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { due } of this.#files.values()) next = Math.min(next, due)
    return next
  }
}
