import type { Context } from 'hono'
import type { Checksum } from '../downloads/artifact.ts'

/** The one line that `sha256sum -c` reads, with the exact name of the file. */
export function checksumResponse(c: Context, checksum: Checksum): Response {
  const line = checksumLine(checksum)
  return c.body(line, 200, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(line)),
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
  })
}

/** sha256sum marks a name that it escapes with a backslash at the start of the line. */
function checksumLine({ fileName, sha256 }: Checksum): string {
  const escaped = fileName.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
  return `${escaped === fileName ? '' : '\\'}${sha256}  ${escaped}\n`
}
