import type { Context } from 'hono'
import type { ApiEnv } from '../dependencies.ts'
import { accelRedirect } from '../downloads/accel-redirect.ts'
import type { Artifact } from '../downloads/artifact.ts'
import { bodyStream } from '../send/body-stream.ts'
import { FileBody } from '../send/file-body.ts'
import { requestedRange } from './byte-range.ts'
import { attachment } from './content-disposition.ts'
import { type ConditionalFields, evaluatePreconditions, rangeApplies, type Validators } from './preconditions.ts'
import { Problem } from './problem.ts'

/**
 * The answer to a GET or HEAD of a file: whole, a part, 304, 412 or 416. The body of a GET is left in `c.env.fileBody`
 * for the listener where there is one. Takes over the artifact's handle.
 */
export async function fileResponse(
  c: Context<ApiEnv>,
  artifact: Artifact,
  options: { accelRedirectPrefix: string | undefined },
): Promise<Response> {
  let handedOver = false
  try {
    const validators = { etag: `"${artifact.sha256}"`, lastModified: lastModified(artifact) }
    const fields = conditionalFields(c)
    const decision = evaluatePreconditions(fields, validators)
    if (decision === 412) throw preconditionFailed(artifact)
    if (decision === 304) return c.body(null, 304, validatorHeaders(validators))

    const headers: Record<string, string> = { ...validatorHeaders(validators), ...representationHeaders(artifact) }
    // nginx knows neither our entity tags nor our dates when it looks at these two.
    const leftToNginx = fields.ifMatch === undefined && fields.ifUnmodifiedSince === undefined
    if (options.accelRedirectPrefix !== undefined && leftToNginx) {
      return c.body(null, 200, { ...headers, ...accelRedirect(options.accelRedirectPrefix, artifact.accelPath) })
    }
    headers['accept-ranges'] = 'bytes' // nginx says so itself
    const whole = { ...headers, 'content-length': String(artifact.size) }
    if (c.req.method === 'HEAD') return c.body(null, 200, whole)

    const range = rangeApplies(c.req.header('if-range'), validators)
      ? requestedRange(c.req.header('range'), artifact.size)
      : undefined
    if (range === 'unsatisfiable') throw rangeNotSatisfiable(artifact)
    handedOver = true
    if (range === undefined) return bodyResponse(c, new FileBody(artifact, 0, artifact.size), 200, whole)
    const length = range.end - range.start + 1
    return bodyResponse(c, new FileBody(artifact, range.start, length), 206, {
      ...headers,
      'content-length': String(length),
      'content-range': `bytes ${range.start}-${range.end}/${artifact.size}`,
    })
  } finally {
    if (!handedOver) await artifact.handle.close()
  }
}

function bodyResponse(
  c: Context<ApiEnv>,
  body: FileBody,
  status: 200 | 206,
  headers: Record<string, string>,
): Response {
  if (c.env?.outgoing === undefined) return c.body(bodyStream(body), status, headers)
  c.env.fileBody = body
  return c.body(null, status, headers)
}

function validatorHeaders({ etag, lastModified }: Validators): Record<string, string> {
  // A name may mean another file tomorrow: caches may keep it, but ask each time.
  return { etag, 'last-modified': lastModified.toUTCString(), 'cache-control': 'no-cache' }
}

function representationHeaders({ fileName, mediaType, sha256 }: Artifact): Record<string, string> {
  return {
    'content-type': mediaType,
    'content-disposition': attachment(fileName),
    'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    'x-content-type-options': 'nosniff',
  }
}

/**
 * When these bytes came to lie here, by ctime. By mtime, which plain copies preserve, an older package put back in place
 * of a newer one would look unmodified.
 */
function lastModified({ identity }: Artifact): Date {
  const milliseconds = Number(BigInt(identity.ctimeNs) / 1_000_000n)
  return new Date(Math.min(milliseconds, Date.now()))
}

function conditionalFields(c: Context<ApiEnv>): ConditionalFields {
  return {
    ifMatch: c.req.header('if-match'),
    ifUnmodifiedSince: c.req.header('if-unmodified-since'),
    ifNoneMatch: c.req.header('if-none-match'),
    ifModifiedSince: c.req.header('if-modified-since'),
  }
}

function preconditionFailed({ fileName, sha256 }: Artifact): Problem {
  return new Problem({
    status: 412,
    code: 'precondition-failed',
    title: 'The file is another one now',
    detail: `${fileName} has the SHA-256 ${sha256}, which the condition of the request rules out.`,
    headers: { etag: `"${sha256}"` },
  })
}

function rangeNotSatisfiable({ fileName, size, sha256 }: Artifact): Problem {
  return new Problem({
    status: 416,
    code: 'range-not-satisfiable',
    title: 'The range lies beyond the end',
    detail: `${fileName} has ${size} bytes.`,
    headers: { 'content-range': `bytes */${size}`, etag: `"${sha256}"`, 'accept-ranges': 'bytes' },
  })
}
