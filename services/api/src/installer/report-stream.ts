import { Redis } from 'ioredis'
import { type NodeReport, REPORTS_KEPT, type ReportLog } from './report-log.ts'

/** A Redis stream, trimmed to what is kept. Without Redis every call fails at once: a node never waits for its report. */
export class RedisReportLog implements ReportLog {
  readonly #redis: Redis
  readonly #key: string

  private constructor(redis: Redis, key: string) {
    this.#redis = redis
    this.#key = key
  }

  static open(url: string, key: string): RedisReportLog {
    const redis = new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      connectTimeout: 5000,
      commandTimeout: 5000,
      retryStrategy: attempt => Math.min(attempt * 200, 5000),
    })
    // Each failed call says so itself; without a listener a lost connection would end the process.
    redis.on('error', () => {})
    return new RedisReportLog(redis, key)
  }

  async add(report: NodeReport): Promise<void> {
    await this.#redis.xadd(this.#key, 'MAXLEN', REPORTS_KEPT, '*', 'report', JSON.stringify(report))
  }

  async list(limit = REPORTS_KEPT): Promise<NodeReport[]> {
    const entries = await this.#redis.xrevrange(this.#key, '+', '-', 'COUNT', limit)
    return entries.flatMap(([, fields]) => (fields[1] === undefined ? [] : [JSON.parse(fields[1]) as NodeReport]))
  }

  async close(): Promise<void> {
    this.#redis.disconnect()
  }
}
