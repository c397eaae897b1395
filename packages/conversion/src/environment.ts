import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { LOG_LEVELS } from './logging.ts'

export const DEFAULT_CLIENTPKGS_DIR = '/opt/scyld/clusterware/clientpkgs'
const REPOSITORY = resolve(import.meta.dirname, '../../..')

/** A variable's schema takes text and carries, as its description, what is allowed. */
export type Variables = Record<string, z.ZodType<unknown, string | undefined>>
export type Environment<V extends Variables> = { [name in keyof V]: z.output<V[name]> }

export interface EnvironmentProblem {
  variable: string
  /** What was read, as JSON text; secrets are masked. */
  read: string
  allowed: string
}

/** All that is wrong with the environment at once. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
  readonly code = 'bad-environment'
  readonly problems: readonly EnvironmentProblem[]

  constructor(problems: readonly EnvironmentProblem[]) {
    const lines = problems.map(({ variable, read, allowed }) => `  ${variable}=${read}: must be ${allowed}`)
    super(`The environment cannot be used:\n${lines.join('\n')}`)
    this.problems = problems
  }
}

/** Reads the named variables, empty ones being unset; throws EnvironmentError with every problem found. */
export function readEnvironment<V extends Variables>(variables: V, env: NodeJS.ProcessEnv): Environment<V> {
  const problems: EnvironmentProblem[] = []
  const values: Record<string, unknown> = {}
  for (const [variable, schema] of Object.entries(variables)) {
    const text = env[variable]?.trim() || undefined
    const result = schema.safeParse(text)
    if (result.success) values[variable] = result.data
    else problems.push({ variable, read: shown(variable, text), allowed: schema.description ?? 'something else' })
  }
  if (problems.length > 0) throw new EnvironmentError(problems)
  return values as Environment<V>
}

export function wholeNumber(from: number, to: number, fallback: number) {
  return z
    .string()
    .default(String(fallback))
    .refine(text => /^\d{1,15}$/.test(text) && Number(text) >= from && Number(text) <= to)
    .transform(Number)
    .describe(`a whole number from ${from} to ${to}; unset means ${fallback}`)
}

export function choice<const T extends readonly [string, ...string[]]>(values: T, fallback: T[number]) {
  return z
    .enum(values)
    .default(fallback as never)
    .describe(`one of ${values.join(', ')}; unset means ${fallback}`)
}

export function folder(fallback: string) {
  return z
    .string()
    .default(fallback)
    .transform(path => resolve(path))
    .describe('a folder')
}

export function text(what: string) {
  return z.string().optional().describe(what)
}

/** Bytes, with an optional K, M, G or T (powers of 1024). */
export function byteCount(what: string) {
  return z
    .string()
    .regex(/^[1-9]\d{0,14}[KMGT]?$/i)
    .transform(parseBytes)
    .refine(Number.isSafeInteger)
    .optional()
    .describe(`${what}: a number of bytes above 0, with K, M, G or T for powers of 1024 (20G)`)
}

function redisUrl() {
  return z
    .string()
    .refine(url => URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol) && new URL(url).hostname !== '')
    .optional()
    .describe('redis://[user:password@]host[:port][/database], or rediss:// for TLS; unset means standalone')
}

/** What both services read. */
export const sharedVariables = {
  CLIENTPKGS_DIR: folder(existsSync(DEFAULT_CLIENTPKGS_DIR) ? DEFAULT_CLIENTPKGS_DIR : resolve('examples/clientpkgs')),
  CACHE_DIR: folder(resolve(REPOSITORY, '.cache')),
  REDIS_URL: redisUrl(),
  /** First part of every name in Redis, so that several installations share one server. */
  REDIS_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/)
    .default('diskful')
    .describe('1 to 64 letters, digits, dots, underscores or hyphens'),
  GZIP_LEVEL: wholeNumber(1, 12, 3),
  ZSTD_LEVEL: wholeNumber(1, 19, 2),
  /** Of the disk of CACHE_DIR: TARs that would take more are not made. */
  CACHE_MIN_FREE_PERCENT: wholeNumber(0, 90, 10),
  LOG_LEVEL: choice(LOG_LEVELS, 'info'),
  OPS_HOST: z.string().default('127.0.0.1').describe('an address to listen on'),
  OPS_TOKEN: text('a secret'),
  CONVERT_WAIT_SECONDS: wholeNumber(1, 86_400, 300),
} as const satisfies Variables

export type SharedEnvironment = Environment<typeof sharedVariables>

function parseBytes(text: string): number {
  const unit = 'KMGT'.indexOf(text.slice(-1).toUpperCase())
  return unit < 0 ? Number(text) : Number(text.slice(0, -1)) * 1024 ** (unit + 1)
}

function shown(variable: string, text: string | undefined): string {
  if (text === undefined) return '(unset)'
  if (/TOKEN|PASSWORD|SECRET/.test(variable)) return '(hidden)'
  return JSON.stringify(text.replace(/\/\/.*@/, '//***@'))
}
