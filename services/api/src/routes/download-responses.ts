import { problemSchema } from '../http/problem-schema.ts'

const file = { schema: { type: 'string', format: 'binary' } as const }
const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
})

/** What a download answers, for /openapi.json. */
export const downloadResponses = {
  200: {
    description: 'The file; or, for a name that ends in .sha256, one line for `sha256sum -c` that names it',
    content: {
      'application/x-rpm': file,
      'application/vnd.debian.binary-package': file,
      'application/gzip': file,
      'application/zstd': file,
      'application/x-tar': file,
      'text/plain': { schema: { type: 'string' } as const },
    },
  },
  206: { description: 'The part that a Range field with a single range asked for' },
  304: { description: 'The file is the one that If-None-Match or If-Modified-Since tells of' },
  400: problem('Not the name of a package, an unknown format or architecture'),
  404: problem('No such package; `near` has names that come near'),
  409: problem('The package is here only as a DEB, which cannot be converted to TAR'),
  412: problem('The file is not the one that If-Match or If-Unmodified-Since demands'),
  416: problem('The range lies beyond the end of the file'),
  422: problem('The RPM is broken: `code` says how'),
  503: problem('Not now (no converter, the wait ran out, disk full …): Retry-After says when to ask again'),
}
