import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { compress } from 'rpm-format'
import { describe, expect, it } from 'vitest'
import { convertRpm } from '../src/convert-package.ts'
import type { TarFormat } from '../src/job.ts'
import { RECIPE } from '../src/recipe.ts'

const EXAMPLES = resolve(import.meta.dirname, '../../../examples/clientpkgs/rpm')

/**
 * SHA-256 of what this recipe makes. If a test below fails, the bytes of TARs changed: raise RECIPE in src/recipe.ts,
 * else nodes would get old and new bytes under one key. Then put the new hashes here.
 */
const GOLDEN = {
  recipe: 4,
  hashes: [
    [
      'clusterware-node-1.0.0-1.x86_64.rpm',
      'tar.gz',
      3,
      '233860122e93ff11eeb68d2b6c50100243e2142600f598f6d4a34ca1116f5b0b',
    ],
    [
      'clusterware-node-1.0.0-1.x86_64.rpm',
      'tar.zst',
      2,
      'be0d8e15cd53314115cae8f99d66c81e4251b1a6bac78eabebeeb0a0bb6a410f',
    ],
    [
      'clusterware-node-1.0.0-1.x86_64.rpm',
      'tar',
      0,
      'd66cce68cc95d323188b12325acf275686a1ae6c9cf2146b565dca773ddddd8c',
    ],
    [
      'clusterware-tools-1.0.0-1.noarch.rpm',
      'tar.gz',
      3,
      '43fd64b3d8ccb667241d36f26df2bfa3b9e6d19747a5807f9b5b70ea9f354fed',
    ],
    [
      'clusterware-tools-1.0.0-1.noarch.rpm',
      'tar.zst',
      2,
      'c257e5c01a8e4384ec467a8aabba64ccb4f751c10260eebf63d08ee4be8992b3',
    ],
    [
      'clusterware-tools-1.0.0-1.noarch.rpm',
      'tar',
      0,
      'affbc186ffc37336b52a8696096adb9b78af1013e712d03121f35f34a4b3944d',
    ],
  ] as [file: string, format: TarFormat, level: number, sha256: string][],
  /** Of 9 MiB, so that blocks and frames follow each other: the packages above fit into one. */
  blocks: [
    ['prose', 'gzip', 3, '6e181cb6988f46b4fc446f79996e9070a6b06537be0e3d15dbfbf578436b16f7'],
    ['prose', 'zstd', 2, '4903bc676394f50a3964f445e3cff4cfaf7dcfce2898e62908e178ab89e36553'],
    ['numbers', 'gzip', 3, '16c8fa20710b24c97ce3896a6fc26c469efc7e221d555ec1cea3f5c0099e6703'],
    ['numbers', 'zstd', 2, '4985710803b8966937e8f014a755b0242040a47ca4d743ae7bddc26221904487'],
  ] as [content: keyof typeof contents, format: 'gzip' | 'zstd', level: number, sha256: string][],
}

describe('the bytes of a conversion', () => {
  it(`are those of recipe ${GOLDEN.recipe}`, () => {
    expect(RECIPE).toBe(GOLDEN.recipe)
  })

  // Node's zstd chooses its instructions by processor, and may with them choose its matches.
  const hashes = GOLDEN.hashes.filter(([, format]) => format !== 'tar.zst' || process.arch === 'x64')
  if (hashes.length < GOLDEN.hashes.length)
    console.warn(`skipped: golden TARs by zstd, recorded on x64, not ${process.arch}`)

  it.each(hashes)('%s to %s, level %i', async (file, format, level, sha256) => {
    expect(await hashOf(file, format, level)).toBe(sha256)
  })
})

const contents = { prose, numbers }

describe('many blocks', () => {
  it.each(GOLDEN.blocks.filter(([, format]) => format !== 'zstd' || process.arch === 'x64'))(
    'of %s by %s, level %i',
    async (content, format, level, sha256) => {
      const hash = createHash('sha256')
      for await (const chunk of compress(contents[content](9 * 1024 * 1024), { format, level })) hash.update(chunk)
      expect(hash.digest('hex')).toBe(sha256)
    },
  )
})

/** The same words in every run, in pieces of uneven length. */
async function* prose(size: number): AsyncGenerator<Buffer> {
  let state = 1
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const words = Array.from({ length: 4000 }, () =>
    next(2 ** 31)
      .toString(36)
      .slice(0, 2 + next(8)),
  )
  for (let left = size; left > 0; ) {
    const text = Array.from({ length: 1 + next(2000) }, () => words[next(words.length)]).join(' ')
    const piece = Buffer.from(text.slice(0, left))
    left -= piece.length
    yield piece
  }
}

/** As tables of programs are; gzip takes another level for them than for prose. */
async function* numbers(size: number): AsyncGenerator<Buffer> {
  const piece = Buffer.alloc(64 * 1024)
  for (let left = size, k = 0; left > 0; left -= piece.length) {
    for (let at = 0; at < piece.length; at += 4, k++) piece.writeUInt32LE((k * k) % 70_000, at)
    yield Buffer.from(piece.subarray(0, left))
  }
}

async function hashOf(file: string, format: TarFormat, level: number): Promise<string> {
  const handle = await open(resolve(EXAMPLES, file))
  try {
    const hash = createHash('sha256')
    for await (const chunk of convertRpm(handle, { format, level })) hash.update(chunk)
    return hash.digest('hex')
  } finally {
    await handle.close()
  }
}
