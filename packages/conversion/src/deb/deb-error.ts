/**
 * Why a DEB was refused.
 * - `not-a-deb`                no ar archive, or none that begins with debian-binary
 * - `unsupported-deb-version`  a format other than 2.x
 * - `malformed-deb`            a member header or field that breaks the format's rules
 * - `incomplete`               the file is shorter than its members say
 * - `missing-member`           no control or data archive, or no control file in it
 * - `unsupported-compression`  a control archive that dpkg would not read either
 * - `corrupt-compression`      the control archive cannot be unpacked
 * - `control-too-large`        more than the limits allow
 * - `bad-control`              a control file without name, version or arch, or with impossible ones
 */
export type DebErrorCode =
  | 'not-a-deb'
  | 'unsupported-deb-version'
  | 'malformed-deb'
  | 'incomplete'
  | 'missing-member'
  | 'unsupported-compression'
  | 'corrupt-compression'
  | 'control-too-large'
  | 'bad-control'

/** The package is at fault, not the machine. */
export class DebError extends Error {
  override readonly name = 'DebError'
  readonly code: DebErrorCode

  constructor(code: DebErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
