/**
 * A whole installation in its distributed form, APIs and converters around one queue, as plain processes or as
 * containers: what the scenarios need of it.
 */
export interface Stack {
  /** Where its APIs answer now. */
  apis(): Promise<readonly string[]>
  /** Offers an RPM and waits until all APIs know it under that name. */
  add(file: string, name: string): Promise<void>
  /** Conversions that its running converters ran since they were started. */
  conversions(): Promise<number>
  /** kill -9 of a converter that converts right now; another one is in its place some seconds later. */
  killWorkingConverter(): Promise<void>
  /** The queue goes away for so long, and comes back with its data or without. */
  interruptQueue(options: { seconds: number; data: 'kept' | 'lost' }): Promise<void>
  /** One after the other: SIGTERM, wait for the end, start again. */
  restartApis(): Promise<void>
  restartConverters(): Promise<void>
  /** Names below staging/ in the cache. */
  staging(): Promise<readonly string[]>
  close(): Promise<void>
}
