import type { ApiDependencies } from '../dependencies.ts'
import type { ReportLog } from './report-log.ts'

export interface InstallerDependencies extends ApiDependencies {
  /** Absent: this head node wants no reports, and its scripts send none. */
  reports?: ReportLog | undefined
}
