import { describe, expect, it } from 'vitest'
import { type ConditionalFields, evaluatePreconditions, rangeApplies } from '../src/http/preconditions.ts'

const validators = { etag: '"abc"', lastModified: new Date('2026-11-23T12:00:00.700Z') }
const AT = 'Mon, 23 Nov 2026 12:00:00 GMT'
const BEFORE = 'Mon, 23 Nov 2026 11:59:59 GMT'
const AFTER = 'Mon, 23 Nov 2026 12:00:01 GMT'

function answer(fields: Partial<ConditionalFields>) {
  const none = { ifMatch: undefined, ifUnmodifiedSince: undefined, ifNoneMatch: undefined, ifModifiedSince: undefined }
  return evaluatePreconditions({ ...none, ...fields }, validators)
}

describe('evaluatePreconditions', () => {
  it.each<[Partial<ConditionalFields>, 'proceed' | 304 | 412]>([
    [{}, 'proceed'],
    [{ ifNoneMatch: '"abc"' }, 304],
    [{ ifNoneMatch: 'W/"abc"' }, 304],
    [{ ifNoneMatch: '"x", "abc"' }, 304],
    [{ ifNoneMatch: '"x,y","abc"' }, 304],
    [{ ifNoneMatch: '*' }, 304],
    [{ ifNoneMatch: '"x"' }, 'proceed'],
    [{ ifNoneMatch: 'abc' }, 'proceed'],
    [{ ifNoneMatch: '' }, 'proceed'],
    [{ ifMatch: '"abc"' }, 'proceed'],
    [{ ifMatch: '"x", "abc"' }, 'proceed'],
    [{ ifMatch: '*' }, 'proceed'],
    [{ ifMatch: 'W/"abc"' }, 412],
    [{ ifMatch: '"x"' }, 412],
    [{ ifModifiedSince: AT }, 304],
    [{ ifModifiedSince: AFTER }, 304],
    [{ ifModifiedSince: BEFORE }, 'proceed'],
    [{ ifModifiedSince: 'Monday, 23-Nov-26 12:00:00 GMT' }, 304],
    [{ ifModifiedSince: 'Mon Nov 23 12:00:00 2026' }, 304],
    [{ ifModifiedSince: '2026-11-23T12:00:00Z' }, 'proceed'],
    [{ ifModifiedSince: 'yesterday' }, 'proceed'],
    [{ ifUnmodifiedSince: AT }, 'proceed'],
    [{ ifUnmodifiedSince: BEFORE }, 412],
    [{ ifUnmodifiedSince: 'yesterday' }, 'proceed'],
    // RFC 9110, 13.2.2: tags win over dates, If-Match over If-None-Match.
    [{ ifMatch: '"abc"', ifUnmodifiedSince: BEFORE }, 'proceed'],
    [{ ifNoneMatch: '"x"', ifModifiedSince: AFTER }, 'proceed'],
    [{ ifMatch: '"x"', ifNoneMatch: '"abc"' }, 412],
    [{ ifMatch: '"abc"', ifNoneMatch: '"abc"' }, 304],
    [{ ifUnmodifiedSince: AT, ifNoneMatch: '"abc"' }, 304],
  ])('%j → %s', (fields, expected) => {
    expect(answer(fields)).toBe(expected)
  })
})

describe('rangeApplies', () => {
  it.each([
    [undefined, true],
    ['"abc"', true],
    [AT, true],
    ['W/"abc"', false],
    ['"x"', false],
    [BEFORE, false],
    [AFTER, false],
    ['abc', false],
  ])('If-Range: %s → %s', (field, expected) => {
    expect(rangeApplies(field, validators)).toBe(expected)
  })
})
