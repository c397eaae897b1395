const UNIT = 16 * 1024
/** A slab is the largest buffer, too: 32 units. */
const ORDERS = 6
const UNITS_OF_A_SLAB = 2 ** (ORDERS - 1)

/**
 * The memory that all downloads of a process read through. Each read asks anew: up to 512 KiB while few are being sent,
 * 16 KiB once the budget is spent, never none. Buffers are cut from slabs and put together again (a buddy system), so that
 * memory goes round instead of being left to the garbage collector, which is late with large buffers.
 */
export class ReadBudget {
  readonly total: number
  #used = 0
  readonly #slabs: ArrayBuffer[] = []
  /** Free blocks by order: numbers of their first units, counted through all slabs. */
  readonly #free = Array.from({ length: ORDERS }, () => new Set<number>())
  readonly #out = new Map<Buffer, { unit: number; order: number }>()

  /** With 32 MiB, 1,000 slow readers of a large file bring the API to 236 MB (RSS, measured). */
  constructor(total = 32 * 1024 * 1024) {
    this.total = total
  }

  /** Bytes in buffers that are out. */
  get used(): number {
    return this.#used
  }

  /** Bytes held, in use or not. */
  get held(): number {
    return this.#slabs.length * UNITS_OF_A_SLAB * UNIT
  }

  /** A buffer for a read of up to `wanted` bytes; a smaller one where little is left. */
  take(wanted: number): Buffer {
    const share = (this.total - this.#used) / 32
    const order = Math.max(0, Math.min(ORDERS - 1, orderAtOrAbove(wanted), orderAtOrBelow(share)))
    const unit = this.#allocate(order)
    const slab = this.#slabs[Math.floor(unit / UNITS_OF_A_SLAB)]!
    const buffer = Buffer.from(slab, (unit % UNITS_OF_A_SLAB) * UNIT, 2 ** order * UNIT)
    this.#out.set(buffer, { unit, order })
    this.#used += buffer.length
    return buffer
  }

  /** Takes back a buffer that nothing reads or writes any more. */
  give(buffer: Buffer): void {
    const block = this.#out.get(buffer)
    if (block === undefined) throw new Error('this buffer is not out')
    this.#out.delete(buffer)
    this.#used -= buffer.length
    let { unit, order } = block
    while (order < ORDERS - 1 && this.#free[order]!.delete(unit ^ (2 ** order))) {
      unit &= ~(2 ** order)
      order++
    }
    this.#free[order]!.add(unit)
  }

  #allocate(order: number): number {
    const from = this.#free.findIndex((blocks, size) => size >= order && blocks.size > 0)
    if (from < 0) {
      this.#slabs.push(new ArrayBuffer(UNITS_OF_A_SLAB * UNIT))
      this.#free[ORDERS - 1]!.add((this.#slabs.length - 1) * UNITS_OF_A_SLAB)
      return this.#allocate(order)
    }
    const [unit = 0] = this.#free[from]!
    this.#free[from]!.delete(unit)
    for (let size = from - 1; size >= order; size--) this.#free[size]!.add(unit + 2 ** size)
    return unit
  }
}

function orderAtOrAbove(bytes: number): number {
  return Math.ceil(Math.log2(Math.max(UNIT, bytes) / UNIT))
}

function orderAtOrBelow(bytes: number): number {
  return Math.floor(Math.log2(Math.max(UNIT, bytes) / UNIT))
}
