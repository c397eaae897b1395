import type { Hook } from '@hono/zod-openapi'
import type { ApiEnv } from '../dependencies.ts'
import { problemResponse } from './problem.ts'

/** For `defaultHook`: a request that does not fit its route's schemas is a 400 that says what is wrong where. */
export const problemOfValidation: Hook<unknown, ApiEnv, string, Response | undefined> = (result, c) => {
  if (result.success) return undefined
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.') || result.target}: ${message}`)
  return problemResponse(c, {
    status: 400,
    code: 'bad-request',
    title: 'The request cannot be understood',
    detail: `${issues.join('; ')}.`,
  })
}
