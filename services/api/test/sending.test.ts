import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { open, utimes } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from './support/memory-conversions.ts'
import { TestService } from './support/test-service.ts'

const BIG = Buffer.from(Array.from({ length: 24 * 1024 * 1024 }, (_, index) => (index ^ (index >> 11)) & 255))
const PATH = '/api/v1/install/client/download/rpm/big'
const REQUEST = `GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`

let service: TestService

beforeAll(async () => {
  service = await TestService.start()
  await service.catalog.add('rpm', 'big-1-1.noarch.rpm', BIG)
  await service.catalog.add('rpm', 'small-1-1.noarch.rpm', 'small')
})
afterAll(() => service.stop())

/** How many descriptors of this process are open on files of the service. */
function openFiles(): number {
  const fds = readdirSync('/proc/self/fd').map(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return '' // that of the listing itself
    }
  })
  return fds.filter(target => target.startsWith(service.folder)).length
}

async function eventually(check: () => boolean): Promise<void> {
  for (let tries = 0; !check() && tries < 200; tries++) await delay(20)
}

/** Reads until a connection ends; `false` for one that was cut with an error. */
async function bodyLength(socket: Socket): Promise<number> {
  let bytes = 0
  let head = ''
  try {
    for await (const chunk of socket) {
      const text = head.includes('\r\n\r\n') ? '' : chunk.toString('latin1')
      head += text
      bytes += chunk.length
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  }
  return bytes - head.indexOf('\r\n\r\n') - 4
}

describe('a body', () => {
  it('arrives whole, whatever the size, and its descriptor is closed', async () => {
    const bytes = Buffer.from(await (await service.get('rpm/big')).arrayBuffer())
    expect(sha256(bytes)).toBe(sha256(BIG))
    await eventually(() => openFiles() === 0)
    expect([openFiles(), service.budget.used]).toEqual([0, 0])
  })

  it('is sent by the fast path: the log has its bytes', async () => {
    service.logs.length = 0
    await (await service.get('rpm/big', { range: 'bytes=5-1000004', 'x-request-id': 'fast' })).arrayBuffer()
    await eventually(() => service.logs.some(({ msg }) => msg === 'request'))
    expect(service.logs.find(({ msg }) => msg === 'request')).toMatchObject({
      requestId: 'fast',
      status: 206,
      bytes: 1_000_000,
      method: 'GET',
      file: 'big-1-1.noarch.rpm',
    })
  })

  it('is followed by the next answer on the same connection, pipelined ones too', async () => {
    const last = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    const small = REQUEST.replace('/big', '/small')
    const answer = await service.raw(small + REQUEST + small + last)
    expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(4)
    expect(answer.length).toBeGreaterThan(BIG.length)
    expect(answer.endsWith('ok\n')).toBe(true)
    expect(openFiles()).toBe(0)
  })

  it('goes to HTTP/1.0 clients, also to those that name no host, and the connection ends', async () => {
    const answer = await service.raw(`GET ${PATH.replace('/big', '/small')} HTTP/1.0\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.[01] 200 OK/)
    expect(answer).toMatch(/content-length: 5/i)
    expect(answer.endsWith('\r\n\r\nsmall')).toBe(true)
  })
})

describe('a client that leaves', () => {
  it('leaves no descriptor and no buffer behind, a hundred times, and disturbs nobody', async () => {
    const others = Promise.all(
      Array.from({ length: 8 }, async () => sha256(Buffer.from(await (await service.get('rpm/big')).arrayBuffer()))),
    )
    for (let round = 0; round < 100; round++) {
      const socket = service.connect()
      socket.on('error', () => {})
      socket.write(round % 10 === 0 ? REQUEST + REQUEST : REQUEST)
      if (round % 3 > 0) await once(socket, 'data')
      socket.destroy()
    }
    expect(await others).toEqual(Array(8).fill(sha256(BIG)))
    await eventually(() => openFiles() === 0 && service.budget.used === 0)
    expect([openFiles(), service.budget.used]).toEqual([0, 0])
    expect((await service.get('rpm/small')).status).toBe(200)
  })
})

describe('a client that reads slowly', () => {
  it('is waited for, with little memory, and gets the right bytes in the end', async () => {
    const socket = service.connect()
    socket.write(REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    await once(socket, 'readable')
    await delay(400)
    const used = service.budget.used
    expect(used).toBeGreaterThan(0)
    expect(used).toBeLessThanOrEqual(1024 * 1024)
    expect(await bodyLength(socket)).toBe(BIG.length)
    await eventually(() => openFiles() === 0)
    expect(openFiles()).toBe(0)
  })
})

describe('a file that changes while it is sent', () => {
  const name = 'rewritten-1-1.noarch.rpm'
  const request = REQUEST.replace('/big', '/rewritten').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')

  async function half(): Promise<Socket> {
    await service.catalog.add('rpm', name, BIG)
    const socket = service.connect()
    socket.on('error', () => {})
    socket.write(request)
    await once(socket, 'readable')
    await delay(50)
    return socket
  }

  it('overwritten in place: the connection is cut before a wrong byte', async () => {
    const socket = await half()
    const file = await open(service.catalog.path('rpm', name), 'r+')
    await file.write(Buffer.alloc(BIG.length, 'X'), 0, BIG.length, 0)
    await file.close()
    const chunks: Buffer[] = []
    await socket.forEach(chunk => void chunks.push(chunk)).catch(() => {})
    const answer = Buffer.concat(chunks)
    const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4)
    expect(body.length).toBeLessThan(BIG.length)
    expect(body.equals(BIG.subarray(0, body.length))).toBe(true)
    await eventually(() => openFiles() === 0)
    expect(openFiles()).toBe(0)
    const cut = () => service.logs.find(({ msg }) => msg === 'download cut off')
    await eventually(() => cut() !== undefined)
    expect(cut()).toMatchObject({ requestId: expect.any(String), err: { code: 'source-changed' } })
  })

  it('overwritten with the old time put back: cut, by ctime', async () => {
    const socket = await half()
    const path = service.catalog.path('rpm', name)
    const file = await open(path, 'r+')
    const { atime, mtime } = await file.stat()
    await file.write(Buffer.alloc(BIG.length, 'X'), 0, BIG.length, 0)
    await file.close()
    await utimes(path, atime, mtime)
    expect(await bodyLength(socket)).toBeLessThan(BIG.length)
  })

  it('made shorter: cut', async () => {
    const socket = await half()
    const file = await open(service.catalog.path('rpm', name), 'r+')
    await file.truncate(1000)
    await file.close()
    expect(await bodyLength(socket)).toBeLessThan(BIG.length)
  })

  it('replaced by another file, or deleted: the old one arrives whole', async () => {
    const socket = await half()
    await service.catalog.add('rpm', name, 'the successor')
    expect(await bodyLength(socket)).toBe(BIG.length)
    const second = await half()
    await service.catalog.remove('rpm', name)
    expect(await bodyLength(second)).toBe(BIG.length)
  })
})
