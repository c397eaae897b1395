import { identityText } from '../identity.ts'
import { type ConversionJob, type ConversionOutcome, REJECTIONS } from '../job.ts'
import { type Answer, answerTo } from './answer.ts'

/**
 * Rejected RPMs, remembered for a short time so that a thousand nodes do not convert the same broken file a thousand
 * times. By key and state of the file: a repaired file may have the same key.
 */
export interface Rejections {
  find(job: ConversionJob): Promise<Answer | undefined>
  /** Remembers the outcome if it is a rejection. */
  remember(job: ConversionJob, outcome: ConversionOutcome): Promise<void>
}

const REMEMBERED_MS = 60_000
const LONG_MS = 600_000
/** Finding these out again costs others: a converter, or the TARs that were evicted in vain. */
const LONGER = { [REJECTIONS.crashesConverter]: true, [REJECTIONS.tooBigForCache]: true }
export const MAX_REJECTIONS = 10_000

export function rememberedMs(code: string): number {
  return code in LONGER ? LONG_MS : REMEMBERED_MS
}

/** For a single process. */
export function memoryRejections(max: number = MAX_REJECTIONS): Rejections {
  const known = new Map<string, { answer: Answer; until: number }>()
  return {
    find: async job => {
      const name = rejectionName(job)
      const found = known.get(name)
      if (found && found.until > performance.now()) return found.answer
      known.delete(name)
      return undefined
    },
    remember: async (job, outcome) => {
      if (outcome.status !== 'rejected') return
      const name = rejectionName(job)
      known.delete(name)
      known.set(name, { answer: answerTo(job, outcome), until: performance.now() + rememberedMs(outcome.code) })
      if (known.size > max) known.delete(known.keys().next().value ?? '')
    },
  }
}

export function rejectionName({ key, identity }: ConversionJob): string {
  return `${key}:${identityText(identity)}`
}
