/** What a node said of an installation. Every text in `fields` came from outside: data, never markup, never a command. */
export interface NodeReport {
  /** ISO 8601, the API's clock. */
  at: string
  address: string
  requestId: string
  /** As sent, control characters removed. */
  fields: Readonly<Record<string, string>>
}

/** The last 1,000 reports: in Redis for all replicas, or in a file of this instance. */
export interface ReportLog {
  add(report: NodeReport): Promise<void>
  /** Newest first. */
  list(limit?: number): Promise<NodeReport[]>
  close(): Promise<void>
}

export const REPORTS_KEPT = 1000
