import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { unxz } from '../src/decompress/xz.ts'
import { unxzInThreads } from '../src/decompress/xz-threads.ts'
import { RpmError } from '../src/index.ts'
import { chunked } from './support/reading.ts'

const stream = (name: string) => readFileSync(join(import.meta.dirname, 'data/streams', name))
const numbers = Buffer.from(Array.from({ length: 3000 }, (_, k) => `${k + 1}\n`).join(''))

async function* input(bytes: Uint8Array, size: number) {
  yield* chunked(bytes, size)
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const chunk of chunks) pieces.push(Buffer.from(chunk))
  return Buffer.concat(pieces)
}

async function codeOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  try {
    for await (const _ of chunks);
    return 'accepted'
  } catch (error) {
    if (error instanceof RpmError) return error.code
    throw error
  }
}

describe('xz in threads', () => {
  it.each(['none.xz', 'crc32.xz', 'crc64.xz', 'sha256.xz', 'blocks.xz', 'sized-blocks.xz'])(
    'gives what %s holds, in chunks of any size',
    async name => {
      for (const size of [1, 17, 100_000])
        expect((await collect(unxzInThreads(input(stream(name), size)))).equals(numbers)).toBe(true)
    },
  )

  it('decodes blocks side by side and puts them out in order, with memory used again or not', async () => {
    const plain = Buffer.alloc(24 * 1024 * 1024)
    for (let at = 0, value = 1; at < plain.length; at += 4) {
      value = (Math.imul(value, 1_103_515_245) + 12_345) >>> 0
      plain.writeUInt32LE(at % 64 < 32 ? value : at, at)
    }
    const packed = execFileSync('xz', ['-1', '-T2', '--block-size=3MiB', '--check=sha256'], {
      input: plain,
      maxBuffer: 2 * plain.length,
    })
    const expected = createHash('sha256').update(plain).digest('hex')
    for (const reuse of [true, false]) {
      const hash = createHash('sha256')
      for await (const chunk of unxzInThreads(input(packed, 65_536), reuse)) hash.update(chunk)
      expect(hash.digest('hex')).toBe(expected)
    }
  })

  it('refuses what unxz refuses, by the same codes', async () => {
    const bytes = stream('sized-blocks.xz')
    for (let k = 1; k <= 12; k++) {
      const cut = bytes.subarray(0, Math.floor((bytes.length * k) / 13))
      expect(await codeOf(unxzInThreads(input(cut, 1000)))).toBe(await codeOf(unxz(input(cut, 1000))))
      const damaged = Buffer.from(bytes)
      damaged[Math.floor((bytes.length * k) / 13)]! ^= 1 << (k % 8)
      expect(await codeOf(unxzInThreads(input(damaged, 1000)))).toBe(await codeOf(unxz(input(damaged, 1000))))
    }
    for (const name of ['x86.xz', 'large-dictionary.xz', 'two-streams.xz']) {
      expect(await codeOf(unxzInThreads(input(stream(name), 1000)))).toBe(await codeOf(unxz(input(stream(name), 1000))))
    }
  })

  it('ends its threads when it is left early', async () => {
    for (const pulls of [0, 1]) {
      const chunks = unxzInThreads(input(stream('blocks.xz'), 10))
      for (let k = 0; k < pulls; k++) await chunks.next()
      await chunks.return()
    }
  })
})
