import { z } from '@hono/zod-openapi'

/** An error document (RFC 9457), for /openapi.json. */
export const problemSchema = z
  .looseObject({
    type: z.string().openapi({
      description: 'urn:diskful:CODE, and :rpm, :deb or :tar where it is about a package',
      example: 'urn:diskful:no-such-package:tar',
    }),
    title: z.string(),
    status: z.int(),
    code: z.string().openapi({ description: 'kebab-case, for programs', example: 'no-such-package' }),
    detail: z.string().openapi({ description: 'What happened and what to do, for people' }),
  })
  .openapi('Problem')
