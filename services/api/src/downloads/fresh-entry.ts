import { setTimeout as delay } from 'node:timers/promises'
import { Problem } from '../http/problem.ts'
import type { Catalog } from '../ports.ts'
import { isListed } from './catalog-listed.ts'

/** A file is no longer what was known of it. */
export class SourceChangedError extends Error {
  override readonly name = 'SourceChangedError'
  readonly code = 'source-changed'
}

const CHANGED = new Set(['package-changed', 'package-gone', 'source-changed', 'ENOENT', 'ESTALE'])

/** How long a request waits for the first look at the folders, after a start. */
const FIRST_SCAN_MS = 10_000

/**
 * Does something with what the catalog knows under a name. Where the file turns out to be another one by now, or gone,
 * the catalog looks at the folder again and it is tried once more, with whatever the name means then.
 */
export async function withFreshEntry<Found, T>(
  catalog: Pick<Catalog, 'refresh' | 'ready'>,
  find: () => Found,
  use: (found: Found) => Promise<T>,
): Promise<T> {
  try {
    return await use(await findInTime(catalog, find))
  } catch (error) {
    if (!isChange(error)) throw error
  }
  await catalog.refresh()
  try {
    return await use(find())
  } catch (error) {
    // Known a moment ago and not any more: its successor is listed once it lies still.
    throw isChange(error) || isNotFound(error) ? stillChanging(error) : error
  }
}

/** A catalog that is still being read says "no such package" too early. */
async function findInTime<Found>(catalog: Pick<Catalog, 'ready'>, find: () => Found): Promise<Found> {
  try {
    return find()
  } catch (error) {
    if (await isListed(catalog)) throw error
  }
  await Promise.race([catalog.ready, delay(FIRST_SCAN_MS, undefined, { ref: false })])
  if (!(await isListed(catalog))) throw stillScanning()
  return find()
}

function stillScanning(): Problem {
  return new Problem({
    status: 503,
    code: 'catalog-scanning',
    title: 'The package folders are being read',
    detail: 'The service has just started and does not know all packages yet.',
    headers: { 'retry-after': '5' },
  })
}

function isNotFound(error: unknown): error is Problem {
  return error instanceof Problem && error.facts.status === 404
}

function isChange(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && CHANGED.has(String(error.code))
}

function stillChanging(cause: Error): Problem {
  return new Problem(
    {
      status: 503,
      code: 'package-changing',
      title: 'The package is being replaced',
      detail: `The package changed while it was looked at, twice (${cause.message}). Ask again when it lies still.`,
      headers: { 'retry-after': '2' },
    },
    { cause },
  )
}
