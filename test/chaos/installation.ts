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
  }

  static async start(counts: { apis: number; converters: number }): Promise<Installation> {
    const installation = new Installation(await OwnRedis.start())
    const { head } = installation
    for (let i = 0; i < counts.converters; i++) installation.converters.push(victim(await head.startConverter()))
    for (let i = 0; i < counts.apis; i++) installation.apis.push(victim(await head.startApi()))
    return installation
  }

  /** One that no other fault holds right now. */
  idle(victims: readonly Victim[], random: Seeded): Victim | undefined {
    const idle = victims.filter(({ busy }) => !busy)
    return idle.length > 0 ? random.pick(idle) : undefined
  }

  async close(): Promise<void> {
    await this.head.close()
    await this.redis.stop()
  }
}

const victim = (service: Service): Victim => ({ service, busy: false })
