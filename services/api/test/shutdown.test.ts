import { once } from 'node:events'
import { QueueError } from '@diskful/conversion'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { closeWithin } from '../src/shutdown.ts'
import { TestService } from './support/test-service.ts'

let service: TestService

beforeEach(async () => {
  service = await TestService.start()
  await service.catalog.add('rpm', 'big-1-1.noarch.rpm', Buffer.alloc(20_000_000, 'x'))
  await service.catalog.add('rpm', 'mypkg-1-1.noarch.rpm', 'an rpm')
})
afterEach(() => service.stop())

describe('closeWithin', () => {
  it('lets a download end, and takes no new connection meanwhile', async () => {
    const response = await service.get('rpm/big', { connection: 'close' })
    const other = service.url('/healthz')
    const closed = closeWithin(service.server, 5000, () => service.queue.close())
    while (service.server.listening) await new Promise(resolve => setImmediate(resolve))
    await expect(fetch(other, { headers: { connection: 'close' } })).rejects.toThrow()
    expect((await response.arrayBuffer()).byteLength).toBe(20_000_000)
    await closed
    expect(service.queue.closed).toBe(false)
  })

  it('answers everybody whose connection was established before, accepted or not', async () => {
    const sockets = Array.from({ length: 30 }, () => service.connect())
    await Promise.all(sockets.map(socket => once(socket, 'connect')))
    const answers = sockets.map(async socket => {
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      const [first] = await once(socket, 'data')
      return String(first).slice(0, 15)
    })
    await closeWithin(service.server, 5000, () => service.queue.close())
    expect(await Promise.all(answers)).toEqual(answers.map(() => 'HTTP/1.1 200 OK'))
  })

  it('a kept-alive connection is told to close', async () => {
    const socket = service.connect()
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    const [first] = await once(socket, 'data')
    expect(String(first)).toMatch(/connection: keep-alive/i)
    service.stopping = true
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    const [second] = await once(socket, 'data')
    expect(String(second)).toMatch(/connection: close/i)
  })

  it('makes those answer that still wait when the time is over, and cuts off what is left', async () => {
    let endWait: (error: Error) => void = () => {}
    service.queue.work = () => new Promise((_, reject) => (endWait = reject))
    const waiting = service.get('tar/mypkg', { connection: 'close' })
    const stuck = service.connect()
    stuck.on('error', () => {})
    stuck.write('GET /api/v1/install/client/download/rpm/big HTTP/1.1\r\nHost: x\r\n\r\n')
    while (service.queue.jobs.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    const began = performance.now()
    await closeWithin(service.server, 200, async () => endWait(new QueueError('shutting-down', 'ends')))
    expect(performance.now() - began).toBeLessThan(3000)
    expect(performance.now() - began).toBeGreaterThan(199)
    expect((await waiting).status).toBe(503)
  })
})
