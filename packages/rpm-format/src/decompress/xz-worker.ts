import { parentPort } from 'node:worker_threads'
import { free, own } from '../chunk-memory.ts'
import { RpmError, type RpmErrorCode } from '../errors.ts'
import { Signal } from '../signal.ts'
import { type CheckType, runningCheck } from './xz-check.ts'
import { XzDecoder } from './xz-decoder.ts'

/** To a thread that decodes one block after another. */
export type ToXzWorker =
  /** `room`: how many chunks may be out before the first of them comes back. */
  | { readonly type: 'block'; readonly dictionaryCode: number; readonly check: CheckType; readonly room: number }
  /** Whole LZMA2 chunks. */
  | { readonly type: 'data'; readonly bytes: ArrayBuffer }
  | { readonly type: 'end'; readonly compressed: number }
  /** A chunk was used up; its memory, if there is a use for it. */
  | { readonly type: 'used'; readonly memory: ArrayBuffer | undefined }

export type FromXzWorker =
  | { readonly type: 'output'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Input is decoded. */
  | { readonly type: 'consumed'; readonly length: number }
  | { readonly type: 'done'; readonly produced: number; readonly check: Uint8Array }
  | { readonly type: 'failed'; readonly code: RpmErrorCode | undefined; readonly message: string }

type Work = Exclude<ToXzWorker, { type: 'used' }>

/** What has arrived; at most as much as the other side lets be under way. */
class Inbox {
  readonly #messages: Work[] = []
  readonly #changed = new Signal()

  add(message: Work): void {
    this.#messages.push(message)
    this.#changed.give()
  }

  async next(): Promise<Work> {
    for (;;) {
      const message = this.#messages.shift()
      if (message) return message
      await this.#changed.wait()
    }
  }
}

const port = parentPort
if (port) {
  const inbox = new Inbox()
  const decoder = await XzDecoder.open()
  let out = 0
  const used = new Signal()
  port.on('message', (message: ToXzWorker) => {
    if (message.type !== 'used') return inbox.add(message)
    out--
    if (message.memory) decoder.recycle(message.memory)
    used.give()
  })
  const tell = (message: FromXzWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)

  const decodeBlock = async ({
    dictionaryCode,
    check: type,
    room,
  }: Extract<Work, { type: 'block' }>): Promise<void> => {
    const check = runningCheck(type)
    let produced = 0
    // Of the block before, nothing comes back any more.
    out = 0
    const pass = async (outputs: Iterable<Buffer>): Promise<void> => {
      for (const output of outputs) {
        check.update(output)
        produced += output.length
        out++
        const bytes = output as Buffer<ArrayBuffer>
        tell({ type: 'output', bytes }, [bytes.buffer])
        while (out >= room) await used.wait()
      }
    }
    decoder.startBlock(dictionaryCode)
    for (;;) {
      const message = await inbox.next()
      if (message.type === 'data') {
        const { bytes } = message
        await pass(decoder.decode(Buffer.from(bytes)))
        tell({ type: 'consumed', length: bytes.byteLength })
        free(own(new Uint8Array(bytes)))
      } else if (message.type === 'end') {
        await pass(decoder.endBlock(message.compressed))
        return tell({ type: 'done', produced, check: check.digest() })
      }
    }
  }

  const serve = async (): Promise<void> => {
    for (;;) {
      const message = await inbox.next()
      if (message.type === 'block') await decodeBlock(message)
    }
  }
  // A decoder that failed is not used again: its thread ends.
  serve().catch((error: Error) => {
    tell({ type: 'failed', code: error instanceof RpmError ? error.code : undefined, message: error.message })
    port.close()
  })
}
