import { parentPort, workerData } from 'node:worker_threads'
import {
  type Conversion,
  type ConversionJob,
  convertPackage,
  createLogger,
  failureOf,
  TarStore,
} from '@diskful/conversion/thread'
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts'
import { ThreadSpace } from './thread-space.ts'

const PROGRESS_MS = 250

/** The whole life of a conversion thread: one conversion after another, each told to the thread that started it. */
export async function serveConversions(convert: Conversion): Promise<void> {
  const port = parentPort
  if (port === null) throw new Error('conversions run in a thread of their own')
  const { folder, cacheFolder, owner, logLevel, pool } = workerData as ThreadData
  const tell = (message: FromThread) => port.postMessage(message)
  const space = new ThreadSpace(port)
  const logger = createLogger('converter', logLevel)
  const store = await TarStore.open({ folder: cacheFolder, writable: true, logger, space, owner })

  const run = async (job: ConversionJob): Promise<FromThread> => {
    let told = 0
    const onProgress = (bytes: number) => {
      if (performance.now() - told < PROGRESS_MS) return
      told = performance.now()
      tell({ type: 'progress', bytes })
    }
    tell({ type: 'progress', bytes: 0 })
    const onPayload = (payload: string) => tell({ type: 'payload', payload })
    try {
      return {
        type: 'done',
        outcome: await convertPackage({ job, store, folder, pool, convert, onPayload, onProgress }),
      }
    } catch (error) {
      return { type: 'failed', failure: failureOf(error) }
    }
  }

  port.on('message', (message: ToThread) => {
    if (message.type === 'convert') void run(message.job).then(tell)
    else space.onMessage(message)
  })
}
