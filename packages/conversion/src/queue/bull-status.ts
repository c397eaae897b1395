import { setTimeout as sleep } from 'node:timers/promises'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueueStatus } from './conversion-queue.ts'
import type { RedisContact } from './redis-contact.ts'

const ANSWER_MS = 2_000

export interface BullStatusOptions {
  redis: Redis
  queue: Queue
  contact: RedisContact
  waiters: number
}

export async function bullStatus(options: BullStatusOptions): Promise<QueueStatus> {
  const { contact, waiters } = options
  const away = (message: string) => useless(waiters, `Redis does not answer: ${message}`)
  const asked = ask(options).catch((error: unknown) => away(error instanceof Error ? error.message : contact.error))
  return await Promise.race([asked, sleep(ANSWER_MS, undefined, { ref: false }).then(() => away('it takes too long'))])
}

function useless(waiters: number, message: string): QueueStatus {
  const nothing = { converters: 0, waiting: 0, active: 0, delayed: 0, oldestMs: 0 }
  return { reachable: false, ...nothing, waiters, message }
}

async function ask({ redis, queue, contact, waiters }: BullStatusOptions): Promise<QueueStatus> {
  if (!(await contact.check())) throw new Error(contact.error)
  const [counts, [oldest], memory, replication] = await Promise.all([
    queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed'),
    queue.getJobs(['waiting', 'prioritized'], 0, 0, true),
    redis.info('memory'),
    redis.info('replication'),
  ])
  const facts = factsOf(`${memory}\n${replication}`)
  const refusal = whyNoWrites(facts)
  if (refusal !== undefined) return useless(waiters, `Redis takes no jobs: ${refusal}`)
  const policy = facts.get('maxmemory_policy')
  const messages = [
    ...(policy === undefined || policy === 'noeviction' ? [] : [`Redis may evict jobs: maxmemory-policy is ${policy}`]),
    ...(contact.converters > 0 ? [] : ['No converter is running']),
  ]
  return {
    reachable: true,
    converters: contact.converters,
    waiting: (counts.waiting ?? 0) + (counts.prioritized ?? 0),
    active: counts.active ?? 0,
    delayed: counts.delayed ?? 0,
    oldestMs: oldest ? Math.max(0, Date.now() - oldest.timestamp) : 0,
    waiters,
    ...(policy !== undefined && { evictionPolicyOk: policy === 'noeviction' }),
    ...(messages.length > 0 && { message: messages.join('; ') }),
  }
}

/** A Redis that answers is of no use while it takes no writes. */
function whyNoWrites(facts: Map<string, string>): string | undefined {
  if (facts.get('role') === 'slave' && facts.get('slave_read_only') === '1') return 'it is a read-only replica'
  const [used, most] = [Number(facts.get('used_memory')), Number(facts.get('maxmemory'))]
  const full = most > 0 && used >= most && facts.get('maxmemory_policy') === 'noeviction'
  return full ? `its memory is full (maxmemory is ${most} bytes)` : undefined
}

/** Lines `name:value` of INFO. */
function factsOf(info: string): Map<string, string> {
  return new Map([...info.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]))
}
