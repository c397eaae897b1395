import type { ConversionJob } from '../job.ts'
import type { Answer, Failure } from './answer.ts'

/** What the API tells the converter that it started. */
export type ToConverter =
  | { type: 'convert'; job: ConversionJob }
  | { type: 'used'; ages: [key: string, ms: number][] }
  /** Finish what runs, then end. */
  | { type: 'stop' }

/** What that converter tells. */
export type FromConverter =
  /** It takes so many jobs at a time. */
  | { type: 'ready'; concurrency: number }
  | { type: 'alive' }
  | { type: 'answer'; key: string; answer: Answer }
  | { type: 'failed'; key: string; failure: Failure }
