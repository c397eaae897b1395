import type { ConversionQueue, Logger } from '@diskful/conversion'
import type { HttpBindings } from '@hono/node-server'
import type { ApiConfig } from './config.ts'
import type { ReportLog } from './installer/report-log.ts'
import type { ApiMetrics } from './metrics.ts'
import type { Catalog, NameConversion, TarSource } from './ports.ts'
import type { FileBody } from './send/file-body.ts'

/** Everything the routes need; service.ts builds the real ones, tests put their own in. */
export interface ApiDependencies {
  config: ApiConfig
  catalog: Catalog
  store: TarSource
  queue: ConversionQueue
  conversionKey: NameConversion
  logger: Logger
  metrics: ApiMetrics
  /** What installers tell; absent where NODE_REPORTS=off: then the scripts send none. */
  reports?: ReportLog | undefined
  /** Whether the process is ending: readyz says so, and load balancers look elsewhere. */
  isStopping?: () => boolean
}

/** Hono's types for this API: `c.env.incoming` and `.outgoing` are Node's, absent under `app.request()`. */
export interface ApiEnv {
  Bindings: Partial<HttpBindings> & {
    /** Left by fileResponse for the listener to send after the head. */
    fileBody?: FileBody
  }
  Variables: {
    requestId: string
    /** A child of the service's logger that carries the request id. */
    logger: Logger
    /** Facts for the one log line of this request. */
    logged: Record<string, unknown>
  }
}
