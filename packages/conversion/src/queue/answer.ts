import { identityText } from '../identity.ts'
import { type ConversionJob, type ConversionOutcome, REJECTIONS } from '../job.ts'
import { QueueError, type QueueErrorCode } from './queue-error.ts'

/** What a converter sends back: the outcome, and which state of the file (identityText) it is about. */
export interface Answer {
  outcome: ConversionOutcome
  subject: string
}

/** Why a conversion ended without an outcome, as it crosses processes. */
export interface Failure {
  code: QueueErrorCode
  message: string
  /** Whether trying it again at once may help. */
  retry: boolean
}

export function answerTo(job: ConversionJob, outcome: ConversionOutcome): Answer {
  return { outcome, subject: identityText(job.identity) }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof QueueError)
    return { code: error.code, message: error.message, retry: error.code !== 'disk-full' }
  return { code: 'conversion-failed', message: error instanceof Error ? error.message : String(error), retry: true }
}

export function errorOf({ code, message }: Failure): QueueError {
  return new QueueError(code, message)
}

/** Failures travel through BullMQ as the text of an error. */
export function encodeFailure(failure: Failure): string {
  return JSON.stringify(failure)
}

export function decodeFailure(text: string): Failure {
  try {
    const failure = JSON.parse(text) as Partial<Failure> | null
    if (failure?.code && failure.message) return { code: failure.code, message: failure.message, retry: false }
  } catch {
    // Not ours: BullMQ's own words for a job that it gave up.
  }
  return { code: 'conversion-failed', message: text, retry: false }
}

/** The verdict on a package that ends its converter every time. */
export function crashesConverter(how: string): ConversionOutcome {
  return {
    status: 'rejected',
    code: REJECTIONS.crashesConverter,
    message: `The conversion of this package ended its converter repeatedly (${how}); it is tried again in ten minutes, or at once when the file was touched`,
  }
}
