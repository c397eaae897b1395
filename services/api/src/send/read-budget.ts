const KIB = 1024
const SMALLEST = 16 * KIB
const LARGEST = 512 * KIB
const IDLE_BYTES = 8 * KIB * KIB

/**
 * The memory that all downloads of a process read through. Each read asks anew: plenty while few are being sent, 16 KiB
 * each once the budget is spent, never none. Buffers are powers of two and are used again.
 */
export class ReadBudget {
  readonly total: number
  #used = 0
  #idleBytes = 0
  readonly #idle = new Map<number, Buffer[]>()

  constructor(total = 64 * KIB * KIB) {
    this.total = total
  }

  /** Bytes in buffers that are out. */
  get used(): number {
    return this.#used
  }

  /** A buffer for a read of up to `wanted` bytes; a smaller one where little is left. */
  take(wanted: number): Buffer {
    const size = Math.max(SMALLEST, Math.min(LARGEST, powerAtOrAbove(wanted), powerAtOrBelow(this.#share())))
    this.#used += size
    const idle = this.#idle.get(size)?.pop()
    if (idle === undefined) return Buffer.allocUnsafeSlow(size)
    this.#idleBytes -= size
    return idle
  }

  /** Takes back a buffer that nothing reads or writes any more. */
  give(buffer: Buffer): void {
    this.forget(buffer)
    if (this.#idleBytes + buffer.length > IDLE_BYTES) return
    this.#idleBytes += buffer.length
    const idle = this.#idle.get(buffer.length)
    if (idle) idle.push(buffer)
    else this.#idle.set(buffer.length, [buffer])
  }

  /** As give(), for a buffer that a dying socket may still hold: it is not used again. */
  forget(buffer: Buffer): void {
    this.#used -= buffer.length
  }

  /** What one buffer may take: a fixed part of what is left, so that the last download still finds some. */
  #share(): number {
    return (this.total - this.#used) / 32
  }
}

function powerAtOrAbove(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, bytes)))
}

function powerAtOrBelow(bytes: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, bytes)))
}
