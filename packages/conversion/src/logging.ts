import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** A write of this size to a pipe is not mixed with what the other process of a pair writes to it (PIPE_BUF). */
const WHOLE_WRITE = 4096
/** What waits for a reader that has stopped; lines beyond it are dropped. */
const MOST_WAITING = 16 * 1024 * 1024

/**
 * JSON lines with ISO times and the service's name; on standard output unless a destination is given. Written beside the
 * event loop: neither a journal that is stuck nor a disk that is busy holds up an answer. What waits is written at exit.
 */
export function createLogger(service: string, level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { error: pino.stdSerializers.err },
  }
  return pino(options, destination ?? standardOutput())
}

function standardOutput(): DestinationStream {
  return pino.destination({ dest: 1, sync: false, maxWrite: WHOLE_WRITE, maxLength: MOST_WAITING })
}
