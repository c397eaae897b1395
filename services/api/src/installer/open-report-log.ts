import { FileReportLog } from './report-file.ts'
import type { ReportLog } from './report-log.ts'
import { RedisReportLog } from './report-stream.ts'

/** In Redis where there is one, else in STATE_DIR. */
export async function openReportLog(config: {
  stateDir: string
  redisUrl: string | undefined
  redisPrefix: string
}): Promise<ReportLog> {
  if (config.redisUrl === undefined) return FileReportLog.open(config.stateDir)
  return RedisReportLog.open(config.redisUrl, `${config.redisPrefix}:node-reports`)
}
