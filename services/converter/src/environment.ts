import { availableParallelism } from 'node:os'
import {
  byteCount,
  type Environment,
  readEnvironment,
  sharedVariables,
  type Variables,
  wholeNumber,
} from '@diskful/conversion'

const cores = availableParallelism()

const converterVariables = {
  OPS_PORT: wholeNumber(0, 65_535, 8082),
  /** Conversions at a time; they share the compressing threads. */
  CONVERTER_CONCURRENCY: wholeNumber(1, 64, Math.min(4, Math.max(2, cores))),
  COMPRESS_THREADS: wholeNumber(1, 256, cores),
  CACHE_MAX_BYTES: byteCount('the most that cached TARs may take'),
  /** Niceness of the process: downloads that this machine serves beside it come first. */
  CONVERTER_NICE: wholeNumber(0, 19, 5),
  /** How often the cache is looked after. */
  CACHE_CARE_SECONDS: wholeNumber(1, 86_400, 60),
  /** How long an evicted TAR stays on the disk, for those who are reading it. 0: the file system decides. */
  CACHE_TRASH_SECONDS: wholeNumber(0, 604_800, 0),
  /** A conversion may take so long, and longer by a second for each CONVERT_BYTES_PER_SECOND of the RPM. */
  CONVERT_DEADLINE_SECONDS: wholeNumber(1, 86_400, 60),
  CONVERT_BYTES_PER_SECOND: wholeNumber(1024, 10_000_000_000, 1024 * 1024),
  /** A conversion that writes nothing for so long is ended. */
  CONVERT_STALL_SECONDS: wholeNumber(1, 86_400, 30),
  /** Heap of one conversion; the header of a package takes most of it. */
  CONVERT_HEAP_MB: wholeNumber(32, 65_536, 512),
  /** How long conversions under way may go on after SIGTERM. */
  SHUTDOWN_SECONDS: wholeNumber(0, 3600, 20),
} as const satisfies Variables

const variables = { ...sharedVariables, ...converterVariables }

export type ConverterEnvironment = Environment<typeof variables>

/** Throws EnvironmentError with everything that is wrong at once. */
export function readConverterEnvironment(env: NodeJS.ProcessEnv): ConverterEnvironment {
  return readEnvironment(variables, env)
}
