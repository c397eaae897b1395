// What a converter uses beyond what the API does: `@diskful/conversion/converting`.
export { type Answer, answerTo, crashesConverter, encodeFailure, failureOf } from './queue/answer.ts'
export { type CrashCount, DEATHS_ALLOWED, memoryCrashCount } from './queue/crash-count.ts'
export type { FromConverter, ToConverter } from './queue/ipc.ts'
export {
  ConverterRegister,
  failFastRedis,
  patientConnection,
  QUEUE_NAME,
  redisCrashCount,
  redisLease,
  redisRejections,
  redisUsage,
} from './queue/redis.ts'
export { memoryRejections, type Rejections } from './queue/rejections.ts'
export { CacheSpace } from './store/cache-space.ts'
export { GoneTars } from './store/gone.ts'
export { type CacheLayout, cacheLayout } from './store/layout.ts'
export { type Lease, LeaseUnavailable, processLease } from './store/lease.ts'
export { Owner } from './store/owner.ts'
export { CacheUnusable } from './store/prepare.ts'
export type { Space } from './store/space.ts'
export { StagingSweep } from './store/sweep.ts'
export { emptyTrash, onNetwork } from './store/trash.ts'
export { memoryUsage, type UsageLog } from './store/usage.ts'
export { verifyStore, verifyTar } from './store/verify.ts'
export { within } from './within.ts'
