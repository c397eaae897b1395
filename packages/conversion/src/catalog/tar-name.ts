import { KNOWN_ARCHES } from './arch.ts'

export interface TarName {
  name: string
  epoch: number | undefined
  version: string
  release: string
  /** undefined where the file name has none: for every machine. */
  arch: string | undefined
  tarFormat: string
}

const SUFFIXES: readonly (readonly [suffix: string, tarFormat: string])[] = [
  ['.tar.gz', 'tar.gz'],
  ['.tgz', 'tar.gz'],
  ['.tar.zst', 'tar.zst'],
  ['.tzst', 'tar.zst'],
  ['.tar.xz', 'tar.xz'],
  ['.txz', 'tar.xz'],
  ['.tar.bz2', 'tar.bz2'],
  ['.tbz2', 'tar.bz2'],
  ['.tbz', 'tar.bz2'],
  ['.tar', 'tar'],
]

/** What an admin's TAR is called: `<name>[-<version>-<release>][.<arch>]` and a suffix; undefined for other files. */
export function parseTarName(fileName: string): TarName | undefined {
  const found = SUFFIXES.find(([suffix]) => fileName.endsWith(suffix))
  if (!found) return undefined
  const [suffix, tarFormat] = found
  const { stem, arch } = splitArch(fileName.slice(0, -suffix.length))
  if (stem === '') return undefined
  return { ...splitVersion(stem), arch, tarFormat }
}

function splitArch(text: string): { stem: string; arch: string | undefined } {
  const dot = text.lastIndexOf('.')
  const arch = text.slice(dot + 1)
  return dot > 0 && KNOWN_ARCHES.has(arch) ? { stem: text.slice(0, dot), arch } : { stem: text, arch: undefined }
}

/** Version and release each begin with a digit here: `my-own-tool` is one name. */
function splitVersion(stem: string): Omit<TarName, 'arch' | 'tarFormat'> {
  const match = /^(.+)-(?:(\d{1,9}):)?(\d[^-:]*)-(\d[^-:]*)$/.exec(stem)
  if (!match) return { name: stem, epoch: undefined, version: '', release: '' }
  const [, name, epoch, version, release] = match
  return { name: name!, epoch: epoch === undefined ? undefined : Number(epoch), version: version!, release: release! }
}
