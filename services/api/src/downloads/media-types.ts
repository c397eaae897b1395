const BY_ENDING: readonly (readonly [ending: string, mediaType: string])[] = [
  ['.rpm', 'application/x-rpm'],
  ['.deb', 'application/vnd.debian.binary-package'],
  ['.tar.gz', 'application/gzip'],
  ['.tgz', 'application/gzip'],
  ['.tar.zst', 'application/zstd'],
  ['.tar.xz', 'application/x-xz'],
  ['.tar.bz2', 'application/x-bzip2'],
  ['.tar', 'application/x-tar'],
]

/** The compression is part of the file here, never a Content-Encoding. */
export function mediaTypeOf(fileName: string): string {
  const known = BY_ENDING.find(([ending]) => fileName.endsWith(ending))
  return known?.[1] ?? 'application/octet-stream'
}
