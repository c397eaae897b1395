import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { blockLevel } from '../src/block-level.ts'

const size = 2 ** 20

/** Numbers of 32 bits, little-endian, most of them small: as symbol tables and machine code look from afar. */
function tables(): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at += 4) bytes.writeUInt32LE((at * at) % 70_000, at)
  return bytes
}

const text = Buffer.from('The quick brown fox jumps over the lazy dog; 0123456789.\n'.repeat(size)).subarray(0, size)

describe('the level of a block', () => {
  it('is 1 for text and noise where 3 was asked for, else 3', () => {
    expect(blockLevel(text, 3)).toBe(1)
    expect(blockLevel(randomBytes(size), 3)).toBe(1)
    expect(blockLevel(tables(), 3)).toBe(3)
  })

  it('sees text between padding, not in tables or in what is nearly empty', () => {
    const beside = (rest: Buffer) => Buffer.concat([text.subarray(0, size / 8), rest.subarray(size / 8)])
    expect(blockLevel(beside(Buffer.alloc(size)), 3)).toBe(1)
    expect(blockLevel(beside(tables()), 3)).toBe(3)
    expect(blockLevel(Buffer.alloc(size), 3)).toBe(3)
  })

  it('is what was asked for at every other level', () => {
    for (const level of [1, 2, 4, 6, 12]) {
      for (const block of [text, tables()]) expect(blockLevel(block, level)).toBe(level)
    }
  })

  it('takes a block of any size', () => {
    for (const length of [0, 1, 60, 61, 62]) expect(blockLevel(text.subarray(0, length), 3)).toBe(1)
  })
})
