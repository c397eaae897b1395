import type { HttpBindings } from '@hono/node-server'
import type { Logger } from 'pino'
import type { ApiConfig } from './config.ts'
import type { Catalog, ConversionKey, ConversionQueue, TarStore } from './ports.ts'

/** Everything the routes need; main.ts builds the real ones, tests put their own in. */
export interface ApiDependencies {
  config: ApiConfig
  catalog: Catalog
  store: TarStore
  queue: ConversionQueue
  conversionKey: ConversionKey
  logger: Logger
}

/** Hono's types for this API: `c.env.incoming` and `.outgoing` are Node's, absent under `app.request()`. */
export interface ApiEnv {
  Bindings: Partial<HttpBindings>
  Variables: {
    requestId: string
    /** A child of the service's logger that carries the request id. */
    logger: Logger
  }
}
