/** libdeflate's level that takes the first match it finds. */
const quick = 1
/** The default: a block may be content with less. */
const frugal = 3

/**
 * The level a block is deflated with, where `level` was asked for. At 3, text and data that is dense already take 1: 1 to
 * 8 % larger in half to two thirds of the time, where programs and tables would get up to 20 % larger. Depends on the
 * block alone.
 */
export function blockLevel(block: Uint8Array, level: number): number {
  return level === frugal && gainsLittle(block) ? quick : level
}

/** One byte in so many is looked at: a prime, to stay clear of the widths of tables and of TAR's blocks. */
const stride = 61
/** A block is text from this share of its bytes on. Zeros do not count, since in a TAR of small texts they pad every one, */
const textShare = 0.6
/** as long as it is text from this share of all its bytes on. */
const leastText = 1 / 16
/** A block is dense if two of its bytes are equal less often than once in so many pairs. Of noise it is 256, of text 15. */
const densePairs = 25

function gainsLittle(block: Uint8Array): boolean {
  const counts = new Uint32Array(256)
  for (let at = 0; at < block.length; at += stride) counts[block[at]!]!++
  const looked = Math.ceil(block.length / stride)
  let text = counts[tab]! + counts[newline]!
  for (let byte = space; byte <= tilde; byte++) text += counts[byte]!
  let equalPairs = 0
  for (const count of counts) equalPairs += count * count
  const isText = text >= textShare * (looked - counts[0]!) && text >= leastText * looked
  return isText || equalPairs * densePairs <= looked * looked
}

const tab = 0x09
const newline = 0x0a
const space = 0x20
const tilde = 0x7e
