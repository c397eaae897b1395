import type { ConversionJob } from '../job.ts'
import { rejectionName } from './rejections.ts'

/** How often the conversion of one state of one file ended the thread it ran in, within ten minutes. */
export interface CrashCount {
  /** Counts one more. @returns the number so far */
  add(job: ConversionJob): Promise<number>
}

export const CRASHES_COUNTED_MS = 600_000

/** For a single process. */
export function memoryCrashCount(): CrashCount {
  const crashes = new Map<string, { count: number; until: number }>()
  return {
    add: async job => {
      const now = performance.now()
      for (const [name, { until }] of crashes) if (until <= now) crashes.delete(name)
      const count = (crashes.get(rejectionName(job))?.count ?? 0) + 1
      crashes.set(rejectionName(job), { count, until: now + CRASHES_COUNTED_MS })
      return count
    },
  }
}
