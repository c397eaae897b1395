export type { PayloadEntry } from './archive.ts'
export { type ByteString, displayText } from './byte-string.ts'
export { type CompressFormat, type CompressOptions, compress } from './compress.ts'
export { CompressPool } from './compress-pool.ts'
export type { Content } from './content.ts'
export { rpmToTar, type TarOptions, type TarReport, type TarStream } from './convert.ts'
export { unxz } from './decompress/xz.ts'
export { type Dependency, type DependencyKind, type Operator, SenseFlag } from './dependencies.ts'
export type { Strength } from './digest-algorithms.ts'
export { entries, type OpenPackage, openPackage, type PayloadOutcome } from './entries.ts'
export { RpmError, type RpmErrorCode, type Warning } from './errors.ts'
export { FileFlag, type FileInfo, type FileList, type FileTable, type FileType } from './files.ts'
export type { Header } from './header.ts'
export type { LayoutName } from './layout.ts'
export type { Lead } from './lead.ts'
export type { Limits, ReadOptions } from './limits.ts'
export { formatNevra, type Nevra, parseNevra } from './nevra.ts'
export { type RpmPackage, readPackage } from './package.ts'
export type { Scriptlet, ScriptletSlot } from './scriptlets.ts'
export type { Source } from './source.ts'
export type { Trigger, TriggerCondition } from './triggers.ts'
export {
  type DigestCheck,
  type Keyring,
  loadKeyring,
  type SignatureCheck,
  type SignatureStatus,
  type Signed,
  type Verification,
  type VerifyOptions,
  verify,
} from './verify.ts'
export { compareEvr, type Evr, rpmvercmp } from './version.ts'
