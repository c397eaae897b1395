/** When each TAR was last asked for. Ages in milliseconds instead of times: hosts need not agree on a clock. */
export interface UsageLog {
  record(ages: ReadonlyMap<string, number>): Promise<void>
  ages(): Promise<Map<string, number>>
  forget(keys: readonly string[]): Promise<void>
}

/** For a single process. */
export function memoryUsage(): UsageLog {
  const times = new Map<string, number>()
  return {
    record: async ages => {
      const now = performance.now()
      for (const [key, age] of ages) times.set(key, Math.max(now - age, times.get(key) ?? Number.NEGATIVE_INFINITY))
    },
    ages: async () => {
      const now = performance.now()
      return new Map([...times].map(([key, at]) => [key, now - at]))
    },
    forget: async keys => {
      for (const key of keys) times.delete(key)
    },
  }
}
