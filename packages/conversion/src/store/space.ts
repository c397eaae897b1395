/** The TAR is larger than the cache may ever be. A verdict on the package, not on the moment. */
export class TooBigForCache extends Error {
  override readonly name = 'TooBigForCache'
  readonly code = 'too-big-for-cache'
}

/** Who grants room in the cache. A conversion asks before it writes. */
export interface Space {
  /**
   * Room for one file in staging. Rejects with TooBigForCache, or with QueueError `disk-full` when it does not fit now.
   * @param file path of the file below staging/
   * @param needed bytes that the file must be able to have in all
   * @param wanted bytes that would spare further asking
   * @returns bytes granted in all, from `needed` to `wanted`
   */
  reserve(file: string, needed: number, wanted: number): Promise<number>
}

/** Grants everything. */
export const unlimitedSpace: Space = {
  reserve: async (_file, _needed, wanted) => wanted,
}
