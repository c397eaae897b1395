import { getPriority, setPriority } from 'node:os'
import { createLogger, EnvironmentError } from '@diskful/conversion'
import { CacheUnusable } from '@diskful/conversion/converting'
import { NoQueue, startConverter } from './converter.ts'
import { readConverterEnvironment } from './environment.ts'

/** A converter process, from its environment to its exit. */
export async function runConverter(threadFile?: URL): Promise<void> {
  try {
    const environment = readConverterEnvironment(process.env)
    const logger = createLogger('converter', environment.LOG_LEVEL)
    // Before the first thread starts: threads inherit it.
    if (getPriority() < environment.CONVERTER_NICE) setPriority(environment.CONVERTER_NICE)
    const converter = await startConverter({ environment, logger, ...(threadFile && { threadFile }) })
    process.on('SIGTERM', () => void converter.stop('graceful'))
    // From a terminal, Ctrl-C reaches the parent too, which then says when to stop.
    process.on('SIGINT', () => process.send === undefined && void converter.stop('graceful'))
    // Whoever started this process is gone: nobody would ever end it.
    process.on('disconnect', () => void converter.stop('now'))
    if (process.send !== undefined && !process.connected) void converter.stop('now') // gone while this one started
    await converter.stopped
    process.exit(0)
  } catch (error) {
    if (!(error instanceof EnvironmentError || error instanceof NoQueue || error instanceof CacheUnusable)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}
