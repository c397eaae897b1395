export interface LinkSetInput {
  count: number
  inodes: ArrayLike<number> | undefined
  /** Without FILEDEVICES there are no hardlinks at all: some writers number inodes but never make links. */
  devices: ArrayLike<number> | undefined
  /** Regular files that are no ghosts. */
  linkable: (index: number) => boolean
}

/** Bits of a file's index: rpm allows no more than 2^20 files. */
const INDEX = 2 ** 20
const NONE = -1

/** Which files are names of one inode; in header order, as numbers of files. */
export class LinkSets {
  /** Undefined where no file has another name. */
  #columns: LinkColumns | undefined

  constructor(input: LinkSetInput) {
    for (const members of setsOf(input)) {
      this.#columns ??= new LinkColumns(input.count)
      this.#columns.add(members)
    }
    this.#columns?.number()
  }

  /** The first member of the file's set; undefined for a file that is alone. */
  first(file: number): number | undefined {
    const first = this.#columns?.first[file] ?? NONE
    return first === NONE ? undefined : first
  }

  /** The last member of the file's set, which carries the content and whose metadata rpm applies; the file itself where it is alone. */
  last(file: number): number {
    return this.first(file) === undefined ? file : this.#columns!.last[file]!
  }

  /** Number of the file's set, from 1. */
  ordinal(file: number): number | undefined {
    const first = this.first(file)
    return first === undefined ? undefined : this.#columns?.ordinal[first]
  }

  /** All members of the file's set; the file itself where it is alone. */
  members(file: number): number[] {
    const members: number[] = []
    for (let member = this.first(file) ?? file; member !== NONE; member = this.#columns?.next[member] ?? NONE)
      members.push(member)
    return members
  }
}

/** By the number of the file. */
class LinkColumns {
  readonly first: Int32Array
  readonly next: Int32Array
  readonly last: Int32Array
  /** By the first member: which set it is, from 1, in header order. */
  readonly ordinal: Int32Array

  constructor(count: number) {
    this.first = new Int32Array(count).fill(NONE)
    this.next = new Int32Array(count).fill(NONE)
    this.last = new Int32Array(count)
    this.ordinal = new Int32Array(count)
  }

  add(members: readonly number[]): void {
    for (const [m, member] of members.entries()) {
      this.first[member] = members[0]!
      this.next[member] = members[m + 1] ?? NONE
      this.last[member] = members.at(-1)!
    }
  }

  number(): void {
    let sets = 0
    for (let k = 0; k < this.first.length; k++) if (this.first[k] === k) this.ordinal[k] = ++sets
  }
}

/** Sets of two and more, each in header order. */
function* setsOf({ count, inodes, devices, linkable }: LinkSetInput): Generator<number[], void, undefined> {
  if (!inodes || !devices) return
  // Sorted as numbers inode and index stand together: no map of 200,000 inodes that are all different.
  const keys = new Float64Array(count)
  let used = 0
  for (let k = 0; k < count; k++) if (inodes[k] !== 0 && linkable(k)) keys[used++] = inodes[k]! * INDEX + k
  const sorted = keys.subarray(0, used).sort()
  for (let begin = 0, end = 0; begin < used; begin = end) {
    const inode = Math.floor(sorted[begin]! / INDEX)
    while (end < used && Math.floor(sorted[end]! / INDEX) === inode) end++
    if (end - begin < 2) continue
    const indexes = Array.from(sorted.subarray(begin, end), key => key % INDEX)
    for (const members of Map.groupBy(indexes, k => devices[k]!).values()) if (members.length > 1) yield members
  }
}
