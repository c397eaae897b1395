/** Somebody else holds the lease, or who grants it is away. */
export class LeaseUnavailable extends Error {
  override readonly name = 'LeaseUnavailable'
  readonly code = 'lease-unavailable'
}

/** Runs work that only one process at a time may do, by name. Rejects with LeaseUnavailable without having run it. */
export type Lease = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** For a single process: one after another. */
export function processLease(): Lease {
  const last = new Map<string, Promise<unknown>>()
  return (name, work) => {
    const mine = (last.get(name) ?? Promise.resolve()).then(work)
    last.set(
      name,
      mine.then(
        () => undefined,
        () => undefined,
      ),
    )
    return mine
  }
}
