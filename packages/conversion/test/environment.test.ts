import { describe, expect, it } from 'vitest'
import { byteCount, EnvironmentError, readEnvironment, sharedVariables, text, wholeNumber } from '../src/environment.ts'

describe('readEnvironment', () => {
  it('takes defaults for what is unset or empty', () => {
    const read = readEnvironment(sharedVariables, { GZIP_LEVEL: '', REDIS_URL: ' ', LOG_LEVEL: 'debug' })
    expect(read).toMatchObject({ GZIP_LEVEL: 3, REDIS_URL: undefined, LOG_LEVEL: 'debug', REDIS_PREFIX: 'diskful' })
  })

  it('says everything that is wrong at once, with what was read and what is allowed', () => {
    const env = { GZIP_LEVEL: '0', LOG_LEVEL: 'loud', REDIS_URL: 'http://x', CONVERT_WAIT_SECONDS: '1.5' }
    const error = caught(() => readEnvironment(sharedVariables, env))
    expect(error.problems.map(({ variable }) => variable).sort()).toEqual(Object.keys(env).sort())
    expect(error.message).toContain('GZIP_LEVEL="0": must be a whole number from 1 to 12; unset means 3')
    expect(error.message).toContain('LOG_LEVEL="loud": must be one of fatal, error, warn')
  })

  it('does not print secrets', () => {
    const variables = { ...sharedVariables, API_TOKEN: text('a secret').refine(() => false) }
    const error = caught(() => readEnvironment(variables, { API_TOKEN: 'abc123', REDIS_URL: 'http://me:geh@/eim@x' }))
    expect(error.message).toContain('API_TOKEN=(hidden)')
    expect(error.message).not.toMatch(/abc123|geh|eim/)
  })

  it.each([
    ['5', 5],
    ['20G', 20 * 1024 ** 3],
    ['1k', 1024],
    ['2T', 2 * 1024 ** 4],
    ['', undefined],
  ])('reads %j as %j bytes', (given, bytes) => {
    expect(readEnvironment({ MAX: byteCount('most') }, { MAX: given })).toEqual({ MAX: bytes })
  })

  it.each(['0', '-1', '1.5', '5X', 'G', '99999999999999T'])('does not read %j as bytes', given => {
    expect(() => readEnvironment({ MAX: byteCount('most') }, { MAX: given })).toThrow(EnvironmentError)
  })

  it('refuses numbers out of range and numbers in other notations', () => {
    for (const given of ['11', '-1', '0x5', '1e1', '5 5']) {
      expect(() => readEnvironment({ N: wholeNumber(0, 10, 5) }, { N: given })).toThrow('from 0 to 10')
    }
  })
})

function caught(work: () => unknown): EnvironmentError {
  try {
    work()
  } catch (error) {
    if (error instanceof EnvironmentError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
