import { arch } from 'node:os'
import { resolve } from 'node:path'
import {
  canonicalArch,
  choice,
  folder,
  readEnvironment,
  type SharedEnvironment,
  sharedVariables,
  text,
  type Variables,
  wholeNumber,
} from '@diskful/conversion'
import { z } from 'zod'
import { isPackageList, MOST_PACKAGES } from './installer/request.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')
const UNIT_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.+@:~^-]{0,254}$/

/** What the API reads besides the variables that the converters read too. */
const apiVariables = {
  HOST: z.string().optional().describe('an address to listen on; unset means all'),
  PORT: wholeNumber(0, 65_535, 8080),
  OPS_PORT: wholeNumber(0, 65_535, 8081),
  STATE_DIR: folder(resolve(REPOSITORY, '.state')),
  PUBLIC_URL: z
    .string()
    .refine(isBaseUrl)
    .transform(url => url.replace(/\/+$/, ''))
    .optional()
    .describe('the http:// or https:// address under which nodes reach this service, without query'),
  DEFAULT_ARCH: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/)
    .transform(canonicalArch)
    .default(canonicalArch(arch()))
    .describe('an architecture such as x86_64 or aarch64'),
  CLIENT_PACKAGES: z
    .string()
    .default('clusterware-node')
    .transform(names)
    .refine(isPackageList)
    .describe(`1 to ${MOST_PACKAGES} names of packages, separated by spaces or commas; unset means clusterware-node`),
  ENABLE_SERVICES: z
    .string()
    .default('cw-status-updater')
    .refine(text => names(text).length > 0)
    .transform(text => (text === 'none' ? [] : names(text)))
    .refine(units => units.every(unit => UNIT_NAME.test(unit)))
    .describe('names of units, separated by spaces or commas, or the word none; unset means cw-status-updater'),
  NODE_REPORTS: choice(['on', 'off'], 'on'),
  SHUTDOWN_SECONDS: wholeNumber(0, 3600, 30),
  PREWARM: choice(['none', 'all'], 'none'),
  MAX_WAITERS: wholeNumber(1, 1_000_000, 20_000),
  ACCEL_REDIRECT_PREFIX: z
    .string()
    .regex(/^(\/[A-Za-z0-9._-]+)+$/)
    .optional()
    .describe(
      "a path such as /_diskful, that of nginx's internal locations; unset means that the API sends files itself",
    ),
  OPS_TOKEN: text('a secret'),
} as const satisfies Variables

/** What the API reads from its environment, validated. */
export interface ApiConfig {
  host: string | undefined
  port: number
  opsHost: string
  /** 0: no ops port. */
  opsPort: number
  opsToken: string | undefined
  clientPkgsDir: string
  cacheDir: string
  stateDir: string
  redisUrl: string | undefined
  redisPrefix: string
  /** Without a slash at its end. */
  publicUrl: string | undefined
  defaultArch: string
  clientPackages: readonly string[]
  enableServices: readonly string[]
  /** A unit that is not there deserves a warning: somebody named it, or the packages are those that it belongs to. */
  servicesExpected: boolean
  /** Whether installers tell what they did. */
  nodeReports: boolean
  convertWaitMs: number
  gzipLevel: number
  zstdLevel: number
  shutdownMs: number
  /** Share of the cache's disk that converters leave free. */
  cacheMinFreeShare: number
  maxWaiters: number
  /** Ask for the TARs of all packages at start. */
  prewarm: boolean
  accelRedirectPrefix: string | undefined
  logLevel: SharedEnvironment['LOG_LEVEL']
}

/** Throws EnvironmentError with everything that is wrong at once. */
export function readConfig(env: NodeJS.ProcessEnv): ApiConfig {
  const read = readEnvironment({ ...sharedVariables, ...apiVariables }, env)
  return {
    host: read.HOST,
    port: read.PORT,
    opsHost: read.OPS_HOST,
    opsPort: read.OPS_PORT,
    opsToken: read.OPS_TOKEN,
    clientPkgsDir: read.CLIENTPKGS_DIR,
    cacheDir: read.CACHE_DIR,
    stateDir: read.STATE_DIR,
    redisUrl: read.REDIS_URL,
    redisPrefix: read.REDIS_PREFIX,
    publicUrl: read.PUBLIC_URL,
    defaultArch: read.DEFAULT_ARCH,
    clientPackages: read.CLIENT_PACKAGES,
    enableServices: read.ENABLE_SERVICES,
    servicesExpected: Boolean(env.ENABLE_SERVICES) || !env.CLIENT_PACKAGES,
    nodeReports: read.NODE_REPORTS === 'on',
    convertWaitMs: read.CONVERT_WAIT_SECONDS * 1000,
    gzipLevel: read.GZIP_LEVEL,
    zstdLevel: read.ZSTD_LEVEL,
    shutdownMs: read.SHUTDOWN_SECONDS * 1000,
    cacheMinFreeShare: read.CACHE_MIN_FREE_PERCENT / 100,
    maxWaiters: read.MAX_WAITERS,
    prewarm: read.PREWARM === 'all',
    accelRedirectPrefix: read.ACCEL_REDIRECT_PREFIX,
    logLevel: read.LOG_LEVEL,
  }
}

function names(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean)
}

function isBaseUrl(url: string): boolean {
  if (!URL.canParse(url) || /\s/.test(url)) return false
  const { protocol, search, hash, username } = new URL(url)
  return /^https?:$/.test(protocol) && search === '' && hash === '' && username === ''
}
