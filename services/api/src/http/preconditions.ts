/** What conditional requests are compared with. */
export interface Validators {
  /** The strong entity tag with its quotes. */
  etag: string
  lastModified: Date
}

/** The request fields in question, `undefined` where absent. */
export interface ConditionalFields {
  ifMatch: string | undefined
  ifUnmodifiedSince: string | undefined
  ifNoneMatch: string | undefined
  ifModifiedSince: string | undefined
}

/** The answer that the conditions of a GET or HEAD demand, in the order of RFC 9110, 13.2.2. */
export function evaluatePreconditions(fields: ConditionalFields, validators: Validators): 'proceed' | 304 | 412 {
  if (fields.ifMatch !== undefined) {
    if (!matchesAny(fields.ifMatch, validators.etag, 'strong')) return 412
  } else if (fields.ifUnmodifiedSince !== undefined) {
    const date = httpDate(fields.ifUnmodifiedSince)
    if (date !== undefined && wholeSeconds(validators.lastModified) > date) return 412
  }
  if (fields.ifNoneMatch !== undefined) {
    return matchesAny(fields.ifNoneMatch, validators.etag, 'weak') ? 304 : 'proceed'
  }
  const date = httpDate(fields.ifModifiedSince)
  return date !== undefined && wholeSeconds(validators.lastModified) <= date ? 304 : 'proceed'
}

/** Whether a Range may be honoured: no If-Range, or one that names exactly this representation. */
export function rangeApplies(ifRange: string | undefined, validators: Validators): boolean {
  if (ifRange === undefined) return true
  const validator = ifRange.trim()
  if (validator.startsWith('"') || validator.startsWith('W/')) return validator === validators.etag
  return httpDate(validator) === wholeSeconds(validators.lastModified)
}

const ENTITY_TAG = /(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g

function matchesAny(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  for (const [, weak, tag] of list.matchAll(ENTITY_TAG)) {
    if (tag === etag && (weak === undefined || comparison === 'weak')) return true
  }
  return false
}

const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const RFC850_DATE = /^[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/
const ASCTIME_DATE = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

/** Seconds since the epoch; `undefined` for what is no HTTP date (the condition is ignored then). */
function httpDate(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? ''
  if (!IMF_FIXDATE.test(trimmed) && !RFC850_DATE.test(trimmed) && !ASCTIME_DATE.test(trimmed)) return undefined
  const milliseconds = Date.parse(ASCTIME_DATE.test(trimmed) ? `${trimmed} GMT` : trimmed)
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000)
}

function wholeSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
