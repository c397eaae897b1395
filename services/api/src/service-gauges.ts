import { PACKAGE_TYPES, type QueueStatus } from '@diskful/conversion'
import { Gauge, type Registry } from 'prom-client'
import type { Catalog, ConversionQueue, TarSource } from './ports.ts'
import { sharedAnswer } from './shared-answer.ts'

const QUEUE_STATUS_AGE_MS = 1000

/** Gauges that are read when somebody asks for them: the catalog, the queue, the cache's disk. */
export function registerServiceGauges(
  registry: Registry,
  service: { catalog: Catalog; queue: ConversionQueue; store: TarSource },
): void {
  const { catalog, store } = service
  const queueStatus = sharedAnswer(QUEUE_STATUS_AGE_MS, () => service.queue.status())
  const gauge = (name: string, help: string, collect: (gauge: Gauge) => void | Promise<void>, label?: string) =>
    new Gauge({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect() {
        return collect(this)
      },
    })
  const queueGauge = (name: string, help: string, value: (status: QueueStatus) => number) =>
    gauge(name, help, async own => own.set(value(await queueStatus())))

  gauge(
    'diskful_catalog_packages',
    'Packages offered',
    own => {
      const { counts } = catalog.status()
      for (const type of PACKAGE_TYPES) own.set({ type }, counts[type])
    },
    'type',
  )
  gauge('diskful_catalog_errors', 'Files in the package folders that cannot be offered', own =>
    own.set(catalog.status().errorCount),
  )
  gauge(
    'diskful_queue_jobs',
    'Conversions by state',
    async own => {
      const { waiting, active, delayed } = await queueStatus()
      for (const [state, count] of Object.entries({ waiting, active, delayed })) own.set({ state }, count)
    },
    'state',
  )
  queueGauge(
    'diskful_queue_oldest_seconds',
    'Age of the conversion that waits longest',
    ({ oldestMs }) => oldestMs / 1000,
  )
  queueGauge('diskful_converters', 'Converters that are alive', ({ converters }) => converters)
  queueGauge('diskful_queue_reachable', 'Whether conversions can be asked for', ({ reachable }) => (reachable ? 1 : 0))
  gauge('diskful_cache_disk_free_ratio', 'Free share of the disk that CACHE_DIR lies on', async own => {
    const { freeShare } = await store.status()
    if (freeShare !== undefined) own.set(freeShare)
  })
}
