import type { ConversionJob } from '../job.ts'
import { rejectionName } from './rejections.ts'

/** How often the conversion of one state of one file ended what it ran in, within ten minutes. */
export interface CrashCount {
  /** It ended its thread. @returns how often it did so far */
  add(job: ConversionJob): Promise<number>
  /**
   * It begins. @returns how often it began before and never ended, for its process died. Jobs that only waited in a
   * process that died do not count.
   */
  begin(job: ConversionJob): Promise<number>
  /** It ended, in whatever way. */
  end(job: ConversionJob): Promise<void>
}

export const CRASHES_COUNTED_MS = 600_000
/** Processes that may die under one conversion: the first death may have been somebody else's fault, the second chance. */
export const DEATHS_ALLOWED = 2

/** For a single process, which does not outlive its own death. */
export function memoryCrashCount(): CrashCount {
  const crashes = new Map<string, { count: number; until: number }>()
  return {
    begin: async () => 0,
    end: async () => undefined,
    add: async job => {
      const now = performance.now()
      for (const [name, { until }] of crashes) if (until <= now) crashes.delete(name)
      const count = (crashes.get(rejectionName(job))?.count ?? 0) + 1
      crashes.set(rejectionName(job), { count, until: now + CRASHES_COUNTED_MS })
      return count
    },
  }
}
