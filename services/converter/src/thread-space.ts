import type { MessagePort } from 'node:worker_threads'
import { QueueError, type Space, TooBigForCache } from '@diskful/conversion/thread'
import type { FromThread, ToThread } from './thread-messages.ts'

interface Question {
  resolve: (bytes: number) => void
  reject: (error: Error) => void
}

/** Room in the cache, asked of the thread that keeps it. */
export class ThreadSpace implements Space {
  #port: MessagePort
  #questions = new Map<number, Question>()
  #last = 0

  constructor(port: MessagePort) {
    this.#port = port
  }

  reserve(file: string, needed: number, wanted: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const id = ++this.#last
      this.#questions.set(id, { resolve, reject })
      this.#port.postMessage({ type: 'reserve', id, file, needed, wanted } satisfies FromThread)
    })
  }

  onMessage(message: ToThread): void {
    if (message.type === 'convert') return
    const question = this.#questions.get(message.id)
    this.#questions.delete(message.id)
    if (message.type === 'granted') question?.resolve(message.bytes)
    else question?.reject(refusal(message))
  }
}

function refusal({ code, message }: { code: string; message: string }): Error {
  if (code === 'too-big-for-cache') return new TooBigForCache(message)
  return code === 'disk-full' ? new QueueError('disk-full', message) : new Error(message)
}
