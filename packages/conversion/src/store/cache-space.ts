import { statfs, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Logger } from '../logging.ts'
import { QueueError } from '../queue/queue-error.ts'
import { folderSizes, Inventory, namesIn } from './inventory.ts'
import type { CacheLayout } from './layout.ts'
import { type Lease, LeaseUnavailable } from './lease.ts'
import { moveToTrash } from './publish.ts'
import { type Space, TooBigForCache } from './space.ts'
import { emptyTrash } from './trash.ts'
import type { UsageLog } from './usage.ts'

/** A TAR just made or just asked for is not evicted: somebody is about to open it. */
const PROTECTED_MS = 30_000

export interface CacheSpaceOptions {
  layout: CacheLayout
  /** CACHE_MAX_BYTES; the trash does not count. */
  maxBytes?: number
  /** Share of the disk that stays free, 0 to 1. */
  minFreeShare: number
  lease: Lease
  usage: UsageLog
  logger: Logger
  /** How long an evicted TAR stays readable for downloads under way. */
  graceMs: number
  /** Deleting breaks readers on other hosts: the grace is kept even when room is needed. */
  keepGrace: boolean
  protectedMs?: number
  onEvicted?: (key: string, bytes: number) => void
}

/** How much the cache holds and may hold, in bytes. */
interface Balance {
  /** What it may take on now. */
  room: number
  /** What it could ever hold. */
  most: number
}

/**
 * Room in a cache that many processes share. A reservation is the length of the file in staging/ itself (sparse), so all
 * of them see it; who reserves holds a lease. When there is no room, the least recently used TARs go.
 */
export class CacheSpace implements Space {
  #options: CacheSpaceOptions
  #inventory: Inventory

  constructor(options: CacheSpaceOptions) {
    this.#options = options
    this.#inventory = new Inventory(options.layout)
  }

  async reserve(file: string, needed: number, wanted: number): Promise<number> {
    try {
      return await this.#options.lease('space', () => this.#reserve(file, needed, wanted, true))
    } catch (error) {
      if (!(error instanceof LeaseUnavailable)) throw error
      // A conversion under way does not end because Redis went away, as long as nothing has to be evicted for it.
      return await this.#reserve(file, needed, wanted, false)
    }
  }

  /** Evicts what is above the limits: the disk may have been filled by others. */
  async trim(): Promise<void> {
    await this.#options.lease('space', async () => {
      const { room } = await this.#balance()
      if (room < 0) await this.#evict(-room)
    })
  }

  /** Bytes and number of the stored TARs. */
  async held(): Promise<{ bytes: number; tars: number }> {
    const held = await this.#inventory.refresh()
    return { bytes: total(held.values()), tars: held.size }
  }

  async #reserve(file: string, needed: number, wanted: number, mayEvict: boolean): Promise<number> {
    let { room, most } = await this.#balance(file)
    if (needed > most) {
      throw new TooBigForCache(`The TAR has more than ${needed - 1} bytes; the cache may hold ${Math.max(0, most)}`)
    }
    if (room < needed && mayEvict) {
      await this.#evict(wanted - room)
      room = (await this.#balance(file)).room
    }
    if (room < needed) throw new QueueError('disk-full', this.#noRoom(needed, room))
    const granted = Math.min(wanted, room)
    await truncate(join(this.#options.layout.staging, file), granted)
    return granted
  }

  /** @param reserving the file whose own bytes do not count as taken */
  async #balance(reserving?: string): Promise<Balance> {
    const { layout, maxBytes, minFreeShare } = this.#options
    const staged = await this.#staged(reserving && dirname(reserving))
    const disk = await statfs(layout.staging)
    const size = disk.blocks * disk.bsize
    const free = disk.bavail * disk.bsize - size * minFreeShare - staged.promised + staged.own
    const held = total((await this.#inventory.refresh()).values())
    const allowed = maxBytes === undefined ? Number.POSITIVE_INFINITY : maxBytes - held - staged.reserved
    const most = Math.min(maxBytes ?? Number.POSITIVE_INFINITY, size * (1 - minFreeShare))
    return { room: Math.floor(Math.min(free, allowed)), most: Math.floor(most) }
  }

  async #staged(own: string | undefined): Promise<{ reserved: number; promised: number; own: number }> {
    const sum = { reserved: 0, promised: 0, own: 0 }
    for (const name of await namesIn(this.#options.layout.staging)) {
      const sizes = name.endsWith('.owner') ? undefined : await folderSizes(join(this.#options.layout.staging, name))
      if (sizes === undefined) continue
      if (name === own) {
        sum.own = sizes.onDisk
        continue
      }
      sum.reserved += sizes.apparent
      sum.promised += Math.max(0, sizes.apparent - sizes.onDisk)
    }
    return sum
  }

  async #evict(bytes: number): Promise<void> {
    const { layout, usage, logger, graceMs, keepGrace, onEvicted } = this.#options
    const { left } = await emptyTrash(layout, keepGrace ? graceMs : 0)
    // What lies in the trash is on its way out: without this, every question would evict the same amount again.
    let missing = bytes - left
    for (const { key, size } of await this.#leastRecentlyUsed()) {
      if (missing <= 0) break
      if (!(await moveToTrash(layout, key))) continue
      missing -= size
      await usage.forget([key])
      logger.info({ key, bytes: size }, 'evicted')
      onEvicted?.(key, size)
    }
    await emptyTrash(layout, keepGrace ? graceMs : 0)
  }

  async #leastRecentlyUsed(): Promise<{ key: string; size: number }[]> {
    const used = await this.#options.usage.ages()
    const protectedMs = this.#options.protectedMs ?? PROTECTED_MS
    // Of a TAR whose uses nobody remembers only its age by the file server's clock is known: it orders, it protects nothing.
    const ageOf = (key: string, madeMs: number) => used.get(key) ?? Math.max(protectedMs, Date.now() - madeMs)
    return [...(await this.#inventory.refresh())]
      .map(([key, { bytes, madeMs }]) => ({ key, size: bytes, age: ageOf(key, madeMs) }))
      .filter(({ age }) => age >= protectedMs)
      .sort((one, other) => other.age - one.age)
  }

  #noRoom(needed: number, room: number): string {
    const { maxBytes, minFreeShare, layout } = this.#options
    const limit = maxBytes === undefined ? '' : `CACHE_MAX_BYTES is ${maxBytes}, and `
    const percent = Math.round(minFreeShare * 100)
    return (
      `No room for ${needed} bytes in ${dirname(layout.staging)}, only for ${Math.max(0, room)}: ` +
      `${limit}${percent} % of the disk stay free (CACHE_MIN_FREE_PERCENT)`
    )
  }
}

function total(held: Iterable<{ bytes: number }>): number {
  let bytes = 0
  for (const each of held) bytes += each.bytes
  return bytes
}
