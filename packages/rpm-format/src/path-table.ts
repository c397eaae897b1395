import type { ByteString } from './byte-string.ts'
import { HalfSipHash, randomSipKey } from './half-sip-hash.ts'

/** Finds files by path without keeping the paths: a hash table over the numbers of the files. */
export class PathTable {
  readonly #pathOf: (file: number) => ByteString
  readonly #key = randomSipKey()
  readonly #hashes: Uint32Array
  /** File + 1; 0 where nothing is. At most half of the slots are taken. */
  readonly #slots: Int32Array

  constructor(count: number, pathOf: (file: number) => ByteString) {
    this.#pathOf = pathOf
    this.#hashes = new Uint32Array(count)
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 2)))
  }

  /** The file that has this path already; undefined if there was none, and then `file` is it. */
  add(file: number, path: ByteString): number | undefined {
    const hash = this.#hash(path)
    const slot = this.#slotOf(hash, path, path.length)
    const taken = this.#slots[slot]!
    if (taken > 0) return taken - 1
    this.#slots[slot] = file + 1
    this.#hashes[file] = hash
    return undefined
  }

  find(path: ByteString): number | undefined {
    return this.#fileAt(this.#slotOf(this.#hash(path), path, path.length))
  }

  /** The files whose paths `path` lies below, from the root down; all in one pass over it. */
  *above(path: ByteString): Generator<number, void, undefined> {
    const hash = new HalfSipHash(this.#key)
    let hashed = 0
    for (let slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
      hash.update(path, hashed, slash)
      hashed = slash
      const file = this.#fileAt(this.#slotOf(hash.digest(), path, slash))
      if (file !== undefined) yield file
    }
  }

  #fileAt(slot: number): number | undefined {
    const taken = this.#slots[slot]!
    return taken > 0 ? taken - 1 : undefined
  }

  /** Where the first `length` chars of `path` stand, or would stand. */
  #slotOf(hash: number, path: ByteString, length: number): number {
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const taken = this.#slots[slot]!
      if (taken === 0) return slot
      if (this.#hashes[taken - 1] !== hash) continue
      const other = this.#pathOf(taken - 1)
      if (other.length === length && path.startsWith(other)) return slot
    }
  }

  #hash(path: ByteString): number {
    const hash = new HalfSipHash(this.#key)
    hash.update(path, 0, path.length)
    return hash.digest()
  }
}
