/** What the API reads from its environment, validated (loadConfig). */
export interface ApiConfig {
  host: string
  port: number
  opsHost: string
  opsPort: number
  opsToken: string | undefined
  clientPkgsDir: string
  cacheDir: string
  stateDir: string
  redisUrl: string | undefined
  publicUrl: string | undefined
  defaultArch: string
  clientPackages: readonly string[]
  enableServices: readonly string[]
  convertWaitMs: number
  gzipLevel: number
  shutdownMs: number
  accelRedirectPrefix: string | undefined
  logLevel: string
}
