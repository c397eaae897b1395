import { describe, expect, it, vi } from 'vitest'
import type { StatIdentity } from '../../src/identity.ts'
import { identityText } from '../../src/identity.ts'
import type { ConversionJob, ConversionOutcome } from '../../src/job.ts'
import { QueueError } from '../../src/queue/queue-error.ts'
import { type Flight, Waits } from '../../src/queue/waits.ts'
import { keyOf } from '../support/stores.ts'

const REJECTED: ConversionOutcome = { status: 'rejected', code: 'bad', message: 'bad' }
const PUBLISHED: ConversionOutcome = { status: 'published', key: keyOf('1'), sha256: 'x', size: 1 }

describe('Waits', () => {
  it('starts one flight a key and tells everybody', async () => {
    const { waits, flights } = recorded()
    const one = [waits.wait(job('1'), { waitMs: 1_000 }), waits.wait(job('1'), { waitMs: 1_000 })]
    const other = waits.wait(job('2'), { waitMs: 1_000 })
    expect(flights.map(({ key }) => key[0])).toEqual(['1', '2'])
    expect(waits.count).toBe(3)
    waits.settle(flights[0]!, { outcome: PUBLISHED, subject: '' })
    expect(await Promise.all(one)).toEqual([PUBLISHED, PUBLISHED])
    waits.fail(flights[1]!, new QueueError('queue-away', 'away'))
    await expect(other).rejects.toMatchObject({ code: 'queue-away', retryAfterSeconds: 5 })
    expect(waits.count).toBe(0)
    expect(waits.flights()).toEqual([])
  })

  it('does not hold a verdict on one file against another of the same key', async () => {
    const { waits, flights } = recorded()
    const broken = waits.wait(job('1', 'broken'), { waitMs: 1_000 })
    const repaired = waits.wait(job('1', 'repaired'), { waitMs: 1_000 })
    waits.settle(flights[0]!, { outcome: REJECTED, subject: subject('broken') })
    expect(await broken).toEqual(REJECTED)
    expect(flights.map(flight => flight.job.identity.ino)).toEqual(['broken', 'repaired'])
    expect(waits.count).toBe(1)
    waits.settle(flights[1]!, { outcome: PUBLISHED, subject: subject('repaired') })
    expect(await repaired).toEqual(PUBLISHED)
  })

  it('forgets a flight when the last client left, and starts another for the next', async () => {
    const { waits, flights } = recorded()
    const clients = [new AbortController(), new AbortController()]
    const left = clients.map(({ signal }) => waits.wait(job('1'), { waitMs: 1_000, signal }))
    clients[0]!.abort(new Error('left'))
    await expect(left[0]).rejects.toThrow('left')
    expect(flights[0]!.over).toBe(false)
    clients[1]!.abort(new Error('left too'))
    await expect(left[1]).rejects.toThrow('left too')
    expect(flights[0]!.over).toBe(true)
    const late = waits.wait(job('1'), { waitMs: 1_000 })
    waits.settle(flights[0]!, { outcome: REJECTED, subject: '' })
    waits.settle(flights[1]!, { outcome: PUBLISHED, subject: '' })
    expect(await late).toEqual(PUBLISHED)
    await expect(waits.wait(job('1'), { waitMs: 1_000, signal: AbortSignal.abort() })).rejects.toThrow('aborted')
    expect(waits.count).toBe(0)
  })

  it('holds no timer and no listener of a wait that is over', async () => {
    vi.useFakeTimers()
    try {
      const { waits, flights } = recorded()
      const client = new AbortController()
      const added = vi.spyOn(client.signal, 'addEventListener')
      const removed = vi.spyOn(client.signal, 'removeEventListener')
      const wait = waits.wait(job('1'), { waitMs: 60_000, signal: client.signal })
      expect(vi.getTimerCount()).toBe(1)
      waits.settle(flights[0]!, { outcome: PUBLISHED, subject: '' })
      await wait
      expect(vi.getTimerCount()).toBe(0)
      expect(removed.mock.calls).toHaveLength(added.mock.calls.length)
      const late = waits.wait(job('1'), { waitMs: 60_000 })
      vi.advanceTimersByTime(60_000)
      await expect(late).rejects.toMatchObject({ code: 'wait-timeout' })
      expect(waits.count).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('refuses one more than it may hold, and all once it is closed', async () => {
    const { waits, flights } = recorded(2)
    const held = [waits.wait(job('1'), { waitMs: 1_000 }), waits.wait(job('2'), { waitMs: 1_000 })]
    await expect(waits.wait(job('1'), { waitMs: 1_000 })).rejects.toMatchObject({ code: 'too-many-waiters' })
    waits.close(new QueueError('shutting-down', 'ending'))
    for (const wait of held) await expect(wait).rejects.toMatchObject({ code: 'shutting-down' })
    await expect(waits.wait(job('3'), { waitMs: 1_000 })).rejects.toMatchObject({ code: 'shutting-down' })
    expect(flights).toHaveLength(2)
  })
})

function recorded(max = 100) {
  const flights: Flight[] = []
  return { flights, waits: new Waits(max, flight => flights.push(flight)) }
}

function identity(ino: string): StatIdentity {
  return { dev: '1', ino, size: 1, mtimeNs: '1', ctimeNs: '1' }
}

function subject(ino: string): string {
  return identityText(identity(ino))
}

function job(digit: string, ino = '1'): ConversionJob {
  const settings = { format: 'tar.gz', level: 5, requestId: 'test', priority: 'node' } as const
  return { key: keyOf(digit), file: 'test.rpm', identity: identity(ino), nevra: 'test-1-1.noarch', ...settings }
}
