import type { ByteString } from '../byte-string.ts'
import type { FileType } from '../files.ts'

/** First segments below `./pkg` that are ours. */
const reserved = new Set(['scripts', 'triggers', 'meta', '_'])

export function homeOf(packageName: ByteString): ByteString {
  return `/opt/scyld/${packageName}`
}

/** Name in the archive without `./` and without a slash at the end; home itself is '.'. See docs/tar-layout.md. */
export function place(path: ByteString, type: FileType, home: ByteString): ByteString {
  if (path === home && type === 'directory') return '.'
  if (path === '/' && type === 'directory') return 'pkg'
  if (path.startsWith(`${home}/`)) {
    const inside = path.slice(home.length + 1)
    return firstSegment(inside) === 'pkg' ? `pkg/_${path}` : inside
  }
  return reserved.has(firstSegment(path.slice(1))) ? `pkg/_${path}` : `pkg${path}`
}

function firstSegment(path: ByteString): ByteString {
  const slash = path.indexOf('/')
  return slash < 0 ? path : path.slice(0, slash)
}
