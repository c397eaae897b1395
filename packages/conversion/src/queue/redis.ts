import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectionOptions } from 'bullmq'
import { Redis } from 'ioredis'
import type { ConversionJob } from '../job.ts'
import { RECIPE } from '../recipe.ts'
import { type Lease, LeaseUnavailable } from '../store/lease.ts'
import type { UsageLog } from '../store/usage.ts'
import type { Answer } from './answer.ts'
import { answerTo } from './answer.ts'
import { CRASHES_COUNTED_MS, type CrashCount } from './crash-count.ts'
import { MAX_REJECTIONS, type Rejections, rejectionName, rememberedMs } from './rejections.ts'

const retryStrategy = (times: number): number => Math.min(50 * times, 1000)

/** Commands fail at once while Redis is away, and within seconds when it hangs. */
export function failFastRedis(url: string): Redis {
  return new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: 3_000,
    commandTimeout: 3_000,
    retryStrategy,
  })
}

/** For BullMQ's own connections, which wait for Redis as long as it takes. */
export function patientConnection(url: string): ConnectionOptions {
  return { url, maxRetriesPerRequest: null, connectTimeout: 3_000, socketTimeout: 30_000, retryStrategy }
}

/** RECIPE is part of it: a converter of another release never gets these jobs. */
export const QUEUE_NAME = `conversions-r${RECIPE}`

/** Milliseconds since 1970 by Redis' clock, the only one that all hosts agree on. */
export async function redisTime(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time()
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
}

const ALIVE_MS = 6_000

/** Which converters are alive: they say so every two seconds. */
export class ConverterRegister {
  #redis: Redis
  #name: string

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis
    this.#name = `${prefix}:converters-r${RECIPE}`
  }

  async beat(id: string): Promise<void> {
    const now = await redisTime(this.#redis)
    await this.#redis
      .multi()
      .zadd(this.#name, now, id)
      .zremrangebyscore(this.#name, 0, now - 100 * ALIVE_MS)
      .exec()
  }

  async leave(id: string): Promise<void> {
    await this.#redis.zrem(this.#name, id)
  }

  async count(): Promise<number> {
    return await this.#redis.zcount(this.#name, (await redisTime(this.#redis)) - ALIVE_MS, '+inf')
  }
}

export function redisRejections(redis: Redis, prefix: string, max: number = MAX_REJECTIONS): Rejections {
  const index = `${prefix}:rejected`
  const nameOf = (job: ConversionJob) => `${index}:${rejectionName(job)}`
  return {
    find: async job => {
      const text = await redis.get(nameOf(job))
      return text === null ? undefined : (JSON.parse(text) as Answer)
    },
    remember: async (job, outcome) => {
      if (outcome.status !== 'rejected') return
      const ms = rememberedMs(outcome.code)
      const name = nameOf(job)
      const now = await redisTime(redis)
      await redis
        .multi()
        .set(name, JSON.stringify(answerTo(job, outcome)), 'PX', ms)
        .zadd(index, now + ms, name)
        .zremrangebyscore(index, 0, now)
        .exec()
      const surplus = (await redis.zcard(index)) - max
      if (surplus <= 0) return
      const popped = await redis.zpopmin(index, surplus)
      const names = popped.filter((_, position) => position % 2 === 0)
      if (names.length > 0) await redis.del(...names)
    },
  }
}

export function redisCrashCount(redis: Redis, prefix: string): CrashCount {
  const countOne = async (name: string): Promise<number> => {
    const replies = await redis.multi().incr(name).pexpire(name, CRASHES_COUNTED_MS).exec()
    const [error, count] = replies?.[0] ?? []
    if (error) throw error
    return Number(count)
  }
  const unfinished = (job: ConversionJob) => `${prefix}:unfinished:${rejectionName(job)}`
  return {
    add: job => countOne(`${prefix}:crashes:${rejectionName(job)}`),
    begin: async job => (await countOne(unfinished(job))) - 1,
    end: async job => {
      await redis.del(unfinished(job))
    },
  }
}

export function redisUsage(redis: Redis, prefix: string): UsageLog {
  const name = `${prefix}:used`
  return {
    record: async ages => {
      if (ages.size === 0) return
      const now = await redisTime(redis)
      await redis.zadd(name, 'GT', ...[...ages].flatMap(([key, age]) => [String(now - age), key]))
    },
    ages: async () => {
      const now = await redisTime(redis)
      const pairs = await redis.zrange(name, '0', '-1', 'WITHSCORES')
      const ages = new Map<string, number>()
      for (let at = 0; at + 1 < pairs.length; at += 2) ages.set(pairs[at]!, Math.max(0, now - Number(pairs[at + 1])))
      return ages
    },
    forget: async keys => {
      if (keys.length > 0) await redis.zrem(name, ...keys)
    },
  }
}

const LEASE_MS = 10_000
const RELEASE = 'if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0'
const RENEW =
  'if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) end return 0'

/** @param patienceMs how long to try to get it */
export function redisLease(redis: Redis, prefix: string, patienceMs = 5_000): Lease {
  return async (name, work) => {
    const lock = `${prefix}:lease:${name}`
    const token = randomUUID()
    await acquire(redis, lock, token, patienceMs)
    const renewal = setInterval(() => {
      // A lease that cannot be renewed runs out; the work under it is safe to be done twice.
      redis.eval(RENEW, 1, lock, token, LEASE_MS).catch(() => undefined)
    }, LEASE_MS / 3)
    try {
      return await work()
    } finally {
      clearInterval(renewal)
      await redis.eval(RELEASE, 1, lock, token).catch(() => undefined)
    }
  }
}

async function acquire(redis: Redis, lock: string, token: string, patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs
  for (;;) {
    try {
      if ((await redis.set(lock, token, 'PX', LEASE_MS, 'NX')) === 'OK') return
    } catch (error) {
      throw new LeaseUnavailable(`Redis does not grant ${lock}`, { cause: error })
    }
    if (performance.now() > end) throw new LeaseUnavailable(`${lock} is held by another process`)
    await sleep(20 + Math.random() * 60)
  }
}
