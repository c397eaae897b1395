// What a conversion thread uses: `@diskful/conversion/thread`. Without the queue's libraries, which take longer to load
// than most packages take to convert.
export {
  type Conversion,
  type ConversionReport,
  type ConversionRun,
  type ConvertPackageOptions,
  convertPackage,
  convertRpm,
} from './convert-package.ts'
export type { ConversionJob, ConversionOutcome, TarFormat } from './job.ts'
export { createLogger, type LogLevel } from './logging.ts'
export { type Failure, failureOf } from './queue/answer.ts'
export { QueueError } from './queue/queue-error.ts'
export { type Space, TooBigForCache } from './store/space.ts'
export { TarStore } from './store/tar-store.ts'
