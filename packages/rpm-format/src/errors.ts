/**
 * Why a package was refused. Every malformed input ends in an RpmError with one of these.
 *
 * The file as a whole
 * - `not-an-rpm`            no lead magic
 * - `delta-rpm`             a delta package: it cannot be unpacked without the old RPM
 * - `unsupported-version`   a lead or RPMFORMAT that no rpm since 1997 writes
 * - `truncated-header`      the input ends before the payload begins
 * - `truncated-payload`     the input, the compressed stream or the archive ends early
 *
 * Headers
 * - `malformed-header`      magic, index entry, region or string that breaks the container's rules
 * - `header-too-large`      more index entries, data or array members than the limits allow
 * - `duplicate-tag`         a tag twice, or two tags that exclude each other
 * - `wrong-tag-type`        a known tag stored as another type
 * - `array-mismatch`        parallel arrays of different lengths, or an index out of range
 * - `missing-tag`           NAME, VERSION, RELEASE or another tag that the format requires is absent
 * - `number-too-large`      a 64-bit number above 2^53
 * - `too-many-files`        more files than the limit
 * - `bad-file-path`         `..`, NUL, empty, too long, or the same path twice
 * - `path-below-non-directory`  a file below a symlink or file of the same package
 * - `bad-file-size`         a size, or the sum of them, beyond what can be counted
 * - `bad-file-mode`         a file type that does not exist
 * - `bad-file-digest`       a digest that is no hex of its algorithm's length
 * - `bad-hardlink-set`      members of one hardlink set that differ in size or digest
 * - `escaping-symlink`      with `rejectEscapingSymlinks`: a target outside the root
 *
 * Digests
 * - `header-digest-mismatch`, `payload-digest-mismatch`, `file-digest-mismatch`
 *
 * Compression
 * - `unknown-compression`   the payload begins with no known magic
 * - `corrupt-compression`   the decompressor refused the stream, or a check in it failed
 * - `unsupported-filter`    xz with BCJ, delta or other filters
 * - `unsupported-check`     xz with a check type that is not none, CRC32, CRC64 or SHA-256
 * - `dictionary-too-large`  xz or lzma dictionary, zstd window or bzip2 memory beyond the limit
 * - `payload-too-large`     more output than the header predicts
 *
 * Archive
 * - `malformed-cpio`        a field or name that breaks the archive's rules
 * - `unknown-archive`       no `07070?` magic that is known
 * - `file-not-in-header`, `missing-file`, `repeated-file`, `size-mismatch`, `link-mismatch`
 * - `trailing-data`         bytes after the end of the archive that are no padding
 *
 * Signatures
 * - `malformed-signature`, `bad-keyring`, `openpgp-missing`
 */
export type RpmErrorCode =
  | 'not-an-rpm'
  | 'delta-rpm'
  | 'unsupported-version'
  | 'truncated-header'
  | 'truncated-payload'
  | 'malformed-header'
  | 'header-too-large'
  | 'duplicate-tag'
  | 'wrong-tag-type'
  | 'array-mismatch'
  | 'missing-tag'
  | 'number-too-large'
  | 'too-many-files'
  | 'bad-file-path'
  | 'path-below-non-directory'
  | 'bad-file-size'
  | 'bad-file-mode'
  | 'bad-file-digest'
  | 'bad-hardlink-set'
  | 'escaping-symlink'
  | 'header-digest-mismatch'
  | 'payload-digest-mismatch'
  | 'file-digest-mismatch'
  | 'unknown-compression'
  | 'corrupt-compression'
  | 'unsupported-filter'
  | 'unsupported-check'
  | 'dictionary-too-large'
  | 'payload-too-large'
  | 'malformed-cpio'
  | 'unknown-archive'
  | 'file-not-in-header'
  | 'missing-file'
  | 'repeated-file'
  | 'size-mismatch'
  | 'link-mismatch'
  | 'trailing-data'
  | 'malformed-signature'
  | 'bad-keyring'
  | 'openpgp-missing'

export interface RpmErrorFacts {
  /** Byte position in the source (headers, compressed payload) or, for archive errors, in the uncompressed archive. */
  offset?: number | undefined
  cause?: unknown
}

/** The package is at fault, not the machine. The message has the facts; names in it are quoted and escaped. */
export class RpmError extends Error {
  override readonly name = 'RpmError'
  readonly code: RpmErrorCode
  readonly offset: number | undefined

  constructor(code: RpmErrorCode, message: string, facts: RpmErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    this.offset = facts.offset
  }
}

/** Something unusual that was accepted; it lands in the manifest. `code` is kebab-case. */
export interface Warning {
  code: string
  message: string
  path?: string
}

const mostWarnings = 1000

/** Keeps the first thousand: a package with 200,000 odd entries is not worth as many lines. */
export function warn(warnings: Warning[], warning: Warning): void {
  if (warnings.length < mostWarnings) warnings.push(warning)
  else if (warnings.length === mostWarnings) {
    warnings.push({ code: 'more-warnings', message: `only the first ${mostWarnings} warnings are kept` })
  }
}
