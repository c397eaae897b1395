import { readFileSync } from 'node:fs'

/** The exports of deflate-walk.as, of which build-walk.ts makes deflate-walk.wasm. */
interface Walker {
  readonly memory: WebAssembly.Memory
  /** Where in it the stream has to stand. */
  readonly stream: WebAssembly.Global<number>
  /** The bit behind the last block of a stream of so many bytes, or the number of a trouble. */
  walk(length: number): number
  /** First bit of the last block, after walk(). */
  lastBlockStart(): number
}

const walkModule = new WebAssembly.Module(readFileSync(new URL('./deflate-walk.wasm', import.meta.url)))
const walker = new WebAssembly.Instance(walkModule).exports as Walker

const troubles: Readonly<Record<number, string>> = {
  [-1]: 'it ends before its last block',
  [-2]: 'it ends within a block',
  [-3]: 'something follows its last block',
  [-4]: 'a block of the reserved type',
  [-5]: 'more code lengths than codes',
  [-6]: 'a code that stands for nothing',
}

/** LEN 0 and its complement, behind the three bits of a stored block and padding up to a byte. */
const sync = Uint8Array.of(0, 0, 0xff, 0xff)

/** Bytes behind the stream that the walk may look at before it sees that it has ended; the empty block fits into them too. */
const lookahead = 32
const pageSize = 64 * 1024

/**
 * A whole deflate stream (RFC 1951) becomes the beginning of one: its last block no longer says that it is the last, and
 * an empty stored block behind it ends on a byte, as after zlib's Z_SYNC_FLUSH. Another stream may follow at once. Block
 * by block the stream is walked, since only its end tells where the last block begins; nothing is decompressed.
 *
 * Takes streams below 256 MiB. `RangeError` where the bytes are no deflate stream or something follows it.
 */
export function continuable(deflated: Uint8Array): Uint8Array {
  const bytes = walkable(deflated)
  const end = walker.walk(deflated.length)
  if (end < 0) throw new RangeError(`no deflate stream: ${troubles[end]}`)
  const start = walker.lastBlockStart()
  bytes[start >>> 3]! &= ~(1 << (start & 7))
  // The stream's last byte is filled with zeros: three of them may already be the empty block's own header.
  const synced = (end + 3 + 7) >>> 3
  bytes.set(sync, synced)
  return bytes.slice(0, synced + sync.length)
}

/** The stream where the walker looks for it, with zeros behind. */
function walkable(deflated: Uint8Array): Uint8Array {
  const { memory, stream } = walker
  const missing = stream.value + deflated.length + lookahead - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / pageSize))
  const bytes = new Uint8Array(memory.buffer, stream.value, deflated.length + lookahead)
  bytes.set(deflated)
  bytes.fill(0, deflated.length)
  return bytes
}
