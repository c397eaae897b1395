/**
 * A path as a number of 53 bits: 20,000 packages have millions of paths, and their text would not fit in memory. Two
 * 32-bit FNV-like lanes that are mixed at the end; among 10 million paths a wrong match has a chance of one in 10⁸
 * for each lookup.
 */
export function pathHash(path: string): number {
  let high = 0x811c9dc5
  let low = 0x9747b28c
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i)
    high = Math.imul(high ^ code, 0x01000193)
    low = Math.imul(low ^ code, 0x5bd1e995) ^ (low >>> 15)
  }
  high = mixed(high ^ low)
  low = mixed(low ^ Math.imul(high, 0x85ebca6b))
  return (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0)
}

function mixed(value: number): number {
  let result = value ^ (value >>> 16)
  result = Math.imul(result, 0x85ebca6b)
  result ^= result >>> 13
  result = Math.imul(result, 0xc2b2ae35)
  return (result ^ (result >>> 16)) >>> 0
}
