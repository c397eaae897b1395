import { execFileSync } from 'node:child_process'
import { HeadNode, type Service } from '../support/head-node.ts'
import { OwnRedis } from '../support/redis.ts'
import type { Seeded } from './seeded.ts'

/** A service that faults take away and bring back, one fault at a time. */
export interface Victim {
  readonly service: Service
  busy: boolean
}

/** Two APIs, three converters and a Redis, as processes. */
export class Installation {
  readonly redis: OwnRedis
  readonly head: HeadNode
  readonly apis: Victim[] = []
  readonly converters: Victim[] = []
  redisBusy = false
  /** Whether the cache has a disk of its own, which may be filled. */
  readonly ownDisk: boolean

  readonly #unmount = (): void => {
    process.off('exit', this.#unmount)
    if (this.ownDisk) execFileSync('umount', ['-l', this.head.cache])
  }

  private constructor(redis: OwnRedis) {
    this.redis = redis
    this.head = new HeadNode({
      REDIS_URL: redis.url,
      CONVERT_WAIT_SECONDS: '45',
      CACHE_CARE_SECONDS: '5',
      SHUTDOWN_SECONDS: '10',
      // Enough for a part of all TARs: some are evicted and made again.
      CACHE_MAX_BYTES: '200M',
    })
    this.ownDisk = mount(this.head.cache)
    process.once('exit', this.#unmount)
  }

  static async start(counts: { apis: number; converters: number }): Promise<Installation> {
    const installation = new Installation(await OwnRedis.start())
    if (!installation.ownDisk) console.warn("skipped: the fault 'disk full'; it needs the right to mount a tmpfs")
    const { head } = installation
    try {
      for (let i = 0; i < counts.converters; i++) installation.converters.push(victim(await head.startConverter()))
      for (let i = 0; i < counts.apis; i++) installation.apis.push(victim(await head.startApi()))
    } catch (error) {
      await installation.close()
      throw error
    }
    return installation
  }

  /** One that no other fault holds right now. */
  idle(victims: readonly Victim[], random: Seeded): Victim | undefined {
    const idle = victims.filter(({ busy }) => !busy)
    return idle.length > 0 ? random.pick(idle) : undefined
  }

  async close(): Promise<void> {
    await this.head.stop()
    this.#unmount()
    await this.head.close()
    await this.redis.stop()
  }
}

/** Twice what CACHE_MAX_BYTES allows: full only when somebody fills it. */
function mount(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=755', 'diskful-chaos', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const victim = (service: Service): Victim => ({ service, busy: false })
