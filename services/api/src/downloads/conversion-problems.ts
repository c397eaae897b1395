import { type ConversionOutcome, QueueError } from '@diskful/conversion'
import { Problem } from '../http/problem.ts'
import type { CatalogEntry } from '../ports.ts'
import { SourceChangedError } from './fresh-entry.ts'
import { brokenPackage } from './lookup-problems.ts'

/** Everything but a published TAR, as what the client is to be told. */
export function throwUnlessPublished(outcome: ConversionOutcome, entry: CatalogEntry): void {
  if (outcome.status === 'rejected') throw brokenPackage(entry.file, outcome.code, outcome.message)
  if (outcome.status === 'source-changed') throw new SourceChangedError(outcome.message)
}

/** The machine's troubles: all pass, so all are 503 and say when to ask again. */
export function asProblem(error: unknown): unknown {
  if (!(error instanceof QueueError)) return error
  return new Problem(
    {
      status: 503,
      code: error.code,
      title: 'The TAR cannot be made now',
      detail: error.message,
      headers: { 'retry-after': String(Math.ceil(error.retryAfterSeconds)) },
    },
    { cause: error },
  )
}

/** A header that cannot be read is the package's fault, as a payload that cannot be converted is. */
export function asBrokenPackage(error: unknown, entry: CatalogEntry): unknown {
  const isRpmError = error instanceof Error && error.name === 'RpmError' && 'code' in error
  return isRpmError ? brokenPackage(entry.file, String(error.code), error.message) : error
}

/** A conversion was said to be done, and still the store has nothing to send. */
export function notInStore(entry: CatalogEntry): Problem {
  return new Problem({
    status: 503,
    code: 'tar-not-visible',
    title: 'The TAR was made, but is not to be seen in the cache',
    detail: `The TAR of ${entry.nevra} is not to be read in CACHE_DIR. API and converters must share that folder; on NFS, mount it with lookupcache=positive.`,
    headers: { 'retry-after': '2' },
  })
}
