import { execFileSync } from 'node:child_process'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { findTool, requireTool } from '../../../../test/support/requires.ts'
import { checkTarLength } from '../../src/catalog/tar-length.ts'
import { bytesOf } from '../support/bytes.ts'
import { tarOf } from '../support/deb-writer.ts'

function codeOf(tarFormat: string, bytes: Buffer): string {
  try {
    checkTarLength(tarFormat, bytesOf(bytes))
    return 'whole'
  } catch (error) {
    return (error as { code: string }).code
  }
}

const tar = await tarOf({ a: 'some text '.repeat(30_000), b: 'more' })

describe('an admin’s TAR', () => {
  it('is whole, and incomplete when cut anywhere', () => {
    expect(codeOf('tar', tar)).toBe('whole')
    for (const length of [0, 1, 512, 1000, tar.length - 1024, tar.length - 513, tar.length - 1]) {
      expect([length, codeOf('tar', tar.subarray(0, length))]).toEqual([length, 'incomplete'])
    }
    expect(codeOf('tar', Buffer.alloc(1024))).toBe('whole')
    expect(codeOf('tar', Buffer.alloc(1024, 'x'))).toBe('not-a-package')
  })

  it('packed by zstd is known by its blocks', () => {
    const frames = [zstdCompressSync(tar), zstdCompressSync(Buffer.from('x'))]
    const skippable = Buffer.concat([Buffer.from('502a4d1804000000', 'hex'), Buffer.alloc(4)])
    for (const whole of [frames[0]!, Buffer.concat(frames), Buffer.concat([skippable, ...frames])]) {
      expect(codeOf('tar.zst', whole)).toBe('whole')
      for (let length = 1; length < whole.length; length++) {
        const found = codeOf('tar.zst', whole.subarray(0, length))
        // A cut between two frames cannot be seen.
        const isBetween =
          length === skippable.length || length === frames[0]!.length || length === skippable.length + frames[0]!.length
        expect([length, found]).toEqual([length, isBetween && found === 'whole' ? 'whole' : 'incomplete'])
      }
    }
    expect(codeOf('tar.zst', gzipSync(tar))).toBe('not-a-package')
  })

  it('packed by gzip or bzip2 is known by its magic', () => {
    expect(codeOf('tar.gz', gzipSync(tar))).toBe('whole')
    expect(codeOf('tar.gz', zstdCompressSync(tar))).toBe('not-a-package')
    expect(codeOf('tar.bz2', Buffer.from('BZh91AY&SY'))).toBe('whole')
    expect(codeOf('tar.bz2', gzipSync(tar))).toBe('not-a-package')
  })

  it.skipIf(!requireTool('xz'))('packed by xz is known by its end', () => {
    const whole = execFileSync(findTool('xz') ?? 'xz', ['-c'], { input: tar })
    expect(codeOf('tar.xz', whole)).toBe('whole')
    expect(codeOf('tar.xz', Buffer.concat([whole, Buffer.alloc(8)]))).toBe('whole')
    for (let cut = 1; cut < 60; cut++) expect(codeOf('tar.xz', whole.subarray(0, -cut))).toBe('incomplete')
    expect(codeOf('tar.xz', gzipSync(tar))).toBe('not-a-package')
  })
})
