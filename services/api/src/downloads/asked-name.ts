import { TAR_FORMATS, type TarFormat } from '@diskful/conversion'

/** What a download path names, before the catalog is asked. */
export interface AskedName {
  /** Without `.sha256`. */
  name: string
  wantsChecksum: boolean
}

const PACKAGE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.+~^:%@,=-]*$/
const LONGEST_NAME = 255

/** Reads the last path segment as it came, percent-encoded; `undefined` for what cannot be the name of a package. */
export function askedName(segment: string): AskedName | undefined {
  const decoded = percentDecoded(segment)
  if (decoded === undefined || decoded.length > LONGEST_NAME || !PACKAGE_NAME.test(decoded)) return undefined
  const wantsChecksum = decoded.endsWith('.sha256')
  return { name: wantsChecksum ? decoded.slice(0, -'.sha256'.length) : decoded, wantsChecksum }
}

function percentDecoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** Splits `mypkg.tar.zst` into the package and the format its suffix asks for. */
export function splitTarName(name: string): { base: string; format: TarFormat | undefined } {
  for (const format of TAR_FORMATS) {
    if (name.endsWith(`.${format}`)) return { base: name.slice(0, -format.length - 1), format }
  }
  return name.endsWith('.tgz')
    ? { base: name.slice(0, -'.tgz'.length), format: 'tar.gz' }
    : { base: name, format: undefined }
}
