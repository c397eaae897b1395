export { archMatches, canonicalArch } from './catalog/arch.ts'
export {
  Catalog,
  type CatalogError,
  type CatalogOptions,
  type CatalogStatus,
  type ResolveOptions,
} from './catalog/catalog.ts'
export { type CatalogEntry, evrText, PACKAGE_TYPES, type PackageType } from './catalog/entry.ts'
export {
  openPackageFile,
  type PackageFile,
  PackageFileError,
  type PackageFileErrorCode,
} from './catalog/package-file.ts'
export { debianVersionCompare } from './deb/version.ts'
export {
  byteCount,
  choice,
  DEFAULT_CLIENTPKGS_DIR,
  type Environment,
  EnvironmentError,
  type EnvironmentProblem,
  folder,
  readEnvironment,
  type SharedEnvironment,
  sharedVariables,
  text,
  type Variables,
  wholeNumber,
} from './environment.ts'
export { identityOf, identityText, type StatIdentity, sameIdentity } from './identity.ts'
export {
  type CompressionLevels,
  type ConversionJob,
  type ConversionOutcome,
  levelFor,
  REJECTIONS,
  TAR_FORMATS,
  type TarFormat,
} from './job.ts'
export { type ConversionKey, conversionKey } from './key.ts'
export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from './logging.ts'
export { plan } from './plan/plan.ts'
export type { Plan, PlanRequest, PlanRow, Unresolved } from './plan/types.ts'
export { type PrewarmOptions, type PrewarmResult, prewarm } from './prewarm.ts'
export { type BullQueueOptions, bullQueue } from './queue/bull-queue.ts'
export type { ConversionQueue, ConvertOptions, QueueStatus } from './queue/conversion-queue.ts'
export { type LocalQueueOptions, localQueue } from './queue/local-queue.ts'
export { QueueError, type QueueErrorCode } from './queue/queue-error.ts'
export { RECIPE } from './recipe.ts'
export type { Lookup, StoredTar } from './store/lookup.ts'
export type { TarMeta } from './store/tar-meta.ts'
export { type StoreStatus, TarStore, type TarStoreOptions } from './store/tar-store.ts'
