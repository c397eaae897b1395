import { describe, expect, it } from 'vitest'
import { requestedRange } from '../src/http/byte-range.ts'

describe('requestedRange', () => {
  it.each([
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=0-', { start: 0, end: 99 }],
    ['bytes=10-19', { start: 10, end: 19 }],
    ['bytes=90-200', { start: 90, end: 99 }],
    ['bytes=99-99', { start: 99, end: 99 }],
    ['bytes=-1', { start: 99, end: 99 }],
    ['bytes=-100', { start: 0, end: 99 }],
    ['bytes=-5000', { start: 0, end: 99 }],
    ['Bytes=5-6', { start: 5, end: 6 }],
    ['bytes= 5-6', { start: 5, end: 6 }],
    ['bytes=0-99999999999999999999999999', { start: 0, end: 99 }],
  ])('%s of 100 bytes', (field, range) => {
    expect(requestedRange(field, 100)).toEqual(range)
  })

  it.each(['bytes=100-', 'bytes=100-200', 'bytes=-0', 'bytes=99999999999999999999999-'])(
    '%s is beyond the end',
    field => {
      expect(requestedRange(field, 100)).toBe('unsatisfiable')
    },
  )

  it.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=5-2',
    'bytes=0x1-2',
    'bytes=1 - 2',
    'lines=1-2',
  ])('%s counts as no range', field => {
    expect(requestedRange(field, 100)).toBeUndefined()
  })

  it.each(['bytes=0-1,5-6', 'bytes=0-1, -1'])('%s, several ranges, gets the whole', field => {
    expect(requestedRange(field, 100)).toBeUndefined()
  })

  it('an empty file has no range', () => {
    expect(requestedRange('bytes=0-', 0)).toBe('unsatisfiable')
    expect(requestedRange('bytes=-5', 0)).toBeUndefined()
  })
})
