import { createRequire } from 'node:module'
import { crc32 } from 'node:zlib'
import { RpmError } from '../errors.ts'
import { outputChunkSize } from './zlib-stream.ts'

/** The WebAssembly inside xz-decompress: XZ Embedded behind four functions. */
interface XzExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  create_context(): number
  destroy_context(context: number): void
  supply_input(context: number, length: number): void
  get_next_output(context: number): number
}

interface XzDecompress {
  readonly XzReadableStream: {
    _moduleInstance: { readonly exports: XzExports } | undefined
    _getModuleInstance(): Promise<void>
  }
}

const { XzReadableStream } = createRequire(import.meta.url)('xz-decompress') as XzDecompress
const bufferSize = 64 * 1024
const status = { ok: 0, end: 1, memory: 3, memoryLimit: 4 } as const

/** Fields of the context, in 32-bit words. */
const field = { inputStart: 1, inputAt: 2, inputLength: 3, outputStart: 4, outputAt: 5 } as const

/**
 * Decodes the blocks of one .xz stream without checks.
 *
 * The package's own XzReadableStream lets one decoder at a time run in a process, and one that was cancelled while it
 * waited keeps that place for ever. Here every decoder has a WebAssembly instance to itself.
 */
export class XzDecoder {
  static #idle: XzExports | undefined
  readonly #wasm: XzExports
  readonly #context: number
  #out: Buffer | undefined
  readonly #spare: ArrayBuffer[] = []
  #filled = 0
  #full = false

  private constructor(wasm: XzExports) {
    this.#wasm = wasm
    this.#context = wasm.create_context()
    const header = Buffer.from('fd377a585a000000ff12d941', 'hex')
    for (const _ of this.decode(header)) throw new Error('xz-decompress gave output for a stream header')
  }

  static async open(): Promise<XzDecoder> {
    const idle = XzDecoder.#idle
    XzDecoder.#idle = undefined
    return new XzDecoder(idle ?? (await freshInstance()))
  }

  /** Announces a block of LZMA2 data whose dictionary has the given size code. */
  startBlock(dictionaryCode: number): void {
    const header = Buffer.from([2, 0, 0x21, 1, dictionaryCode, 0, 0, 0, 0, 0, 0, 0])
    header.writeUInt32LE(crc32(header.subarray(0, 8)), 8)
    for (const _ of this.decode(header)) throw new Error('xz-decompress gave output for a block header')
  }

  /** What is left of a block of `compressed` bytes. */
  *endBlock(compressed: number): Generator<Buffer, void, undefined> {
    yield* this.decode(Buffer.alloc(-compressed & 3))
    const rest = this.#flush()
    if (rest) yield rest
  }

  /** Memory of an output chunk that is done with, to be used for another. */
  recycle(memory: ArrayBuffer): void {
    this.#spare.push(memory)
  }

  /** Full output chunks only; what is left comes with endBlock(). */
  *decode(input: Buffer): Generator<Buffer, void, undefined> {
    for (let at = 0; at < input.length; at += bufferSize) {
      const piece = input.subarray(at, at + bufferSize)
      new Uint8Array(this.#wasm.memory.buffer).set(piece, this.#word(field.inputStart))
      this.#wasm.supply_input(this.#context, piece.length)
      do {
        const result = this.#wasm.get_next_output(this.#context)
        if (result !== status.ok) throw refusal(result)
        yield* this.#collect()
      } while (this.#word(field.inputAt) < this.#word(field.inputLength) || this.#full)
    }
  }

  #flush(): Buffer | undefined {
    const bytes = this.#out?.subarray(0, this.#filled)
    this.#out = undefined
    this.#filled = 0
    return bytes?.length ? bytes : undefined
  }

  /**
   * Once, at the end of whatever kind. The instance waits for the next decoder, however much it grew (70 MB at most):
   * engines are slow to collect the memory of those that are dropped.
   */
  release(): void {
    this.#wasm.destroy_context(this.#context)
    XzDecoder.#idle = this.#wasm
  }

  *#collect(): Generator<Buffer, void, undefined> {
    const length = this.#word(field.outputAt)
    const start = this.#word(field.outputStart)
    this.#full = length === bufferSize
    this.#out ??= this.#chunk()
    this.#out.set(new Uint8Array(this.#wasm.memory.buffer, start, length), this.#filled)
    this.#filled += length
    new Uint32Array(this.#wasm.memory.buffer)[this.#context / 4 + field.outputAt] = 0
    if (outputChunkSize - this.#filled < bufferSize) yield this.#flush()!
  }

  #chunk(): Buffer {
    const spare = this.#spare.pop()
    return spare ? Buffer.from(spare) : Buffer.allocUnsafeSlow(outputChunkSize)
  }

  #word(index: number): number {
    return new Uint32Array(this.#wasm.memory.buffer)[this.#context / 4 + index]!
  }
}

async function freshInstance(): Promise<XzExports> {
  await XzReadableStream._getModuleInstance()
  const instance = XzReadableStream._moduleInstance
  // The package's own stream must not find, and share, an instance that is ours.
  XzReadableStream._moduleInstance = undefined
  if (!instance)
    throw new Error('xz-decompress made no WebAssembly instance; is it the version that package.json asks for?')
  return instance.exports
}

function refusal(result: number): RpmError {
  return result === status.memory || result === status.memoryLimit
    ? new RpmError('dictionary-too-large', 'the xz stream needs more memory than its decoder may take')
    : new RpmError('corrupt-compression', `the xz stream is damaged (XZ Embedded says ${result})`)
}
