import type { ByteString } from './byte-string.ts'

/** `epoch` is undefined where the package has none, which counts as 0 when versions are compared. */
export interface Nevra {
  name: ByteString
  epoch: number | undefined
  version: ByteString
  release: ByteString
  arch: ByteString
}

/** `name-[epoch:]version-release.arch`, as rpm's NEVRA. Source packages end in `.src` or `.nosrc`. */
export function formatNevra({ name, epoch, version, release, arch }: Nevra): ByteString {
  return `${name}-${epoch === undefined ? '' : `${epoch}:`}${version}-${release}.${arch}`
}

/** The reverse of formatNevra, also for file names (`.rpm` is cut off); undefined where a part is missing. */
export function parseNevra(text: ByteString): Nevra | undefined {
  const match = /^(.+)-(?:(\d+):)?([^-:/]+)-([^-:/]+)\.([^-.:/]+)$/.exec(text.replace(/\.rpm$/, ''))
  if (!match) return undefined
  const [, name, epoch, version, release, arch] = match as unknown as [
    string,
    string,
    string | undefined,
    string,
    string,
    string,
  ]
  if (name.includes('/')) return undefined
  return { name, epoch: epoch === undefined ? undefined : Number(epoch), version, release, arch }
}
