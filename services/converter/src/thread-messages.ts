import type { MessagePort } from 'node:worker_threads'
import type { ConversionJob, ConversionOutcome, Failure, LogLevel } from '@diskful/conversion/thread'

/** What a conversion thread starts with. */
export interface ThreadData {
  /** CLIENTPKGS_DIR */
  folder: string
  /** CACHE_DIR */
  cacheFolder: string
  /** Of this process, for names in staging/. */
  owner: string
  logLevel: LogLevel
  /** Of the compress pool; transferred. */
  pool: MessagePort
}

export type ToThread =
  | { type: 'convert'; job: ConversionJob }
  | { type: 'granted'; id: number; bytes: number }
  | { type: 'refused'; id: number; code: string; message: string }

export type FromThread =
  | { type: 'reserve'; id: number; file: string; needed: number; wanted: number }
  | { type: 'progress'; bytes: number }
  | { type: 'payload'; payload: string }
  | { type: 'done'; outcome: ConversionOutcome }
  | { type: 'failed'; failure: Failure }
