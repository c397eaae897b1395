import { HeadNode, offered, type Service } from './head-node.ts'
import { metric } from './metrics.ts'
import { until } from './ports.ts'
import { OwnRedis } from './redis.ts'
import type { Stack } from './stack.ts'

/** Two APIs and three converters as plain processes around a Redis of their own. */
export class ProcessStack implements Stack {
  readonly head: HeadNode
  readonly redis: OwnRedis
  readonly #apis: Service[] = []
  readonly #converters: Service[] = []

  private constructor(redis: OwnRedis) {
    this.redis = redis
    this.head = new HeadNode({ REDIS_URL: redis.url, CACHE_CARE_SECONDS: '5' })
  }

  static async start(counts: { apis: number; converters: number }): Promise<ProcessStack> {
    const stack = new ProcessStack(await OwnRedis.start())
    try {
      for (let i = 0; i < counts.converters; i++) stack.#converters.push(await stack.head.startConverter())
      for (let i = 0; i < counts.apis; i++) stack.#apis.push(await stack.head.startApi())
    } catch (error) {
      await stack.close()
      throw error
    }
    return stack
  }

  async apis(): Promise<string[]> {
    return this.#apis.map(({ url }) => url)
  }

  async add(file: string, name: string): Promise<void> {
    this.head.add(file)
    for (const api of this.#apis) await offered(api, [name])
  }

  async conversions(): Promise<number> {
    const texts = await Promise.all(this.#converters.map(metricsOf))
    return texts.reduce((sum, text) => sum + metric(text, 'diskful_conversions_total'), 0)
  }

  async killWorkingConverter(): Promise<void> {
    const working = await until(
      async () => {
        for (const converter of this.#converters) {
          if (metric(await metricsOf(converter), 'diskful_conversions_active') > 0) return converter
        }
        return undefined
      },
      { seconds: 10, everyMs: 10, otherwise: () => 'no converter works' },
    )
    await working.process.kill()
    await working.start()
  }

  async interruptQueue({ seconds, data }: { seconds: number; data: 'kept' | 'lost' }): Promise<void> {
    await this.redis.kill()
    if (data === 'lost') this.redis.wipe()
    await new Promise(resolve => setTimeout(resolve, seconds * 1000))
    await this.redis.start()
  }

  async restartApis(): Promise<void> {
    for (const api of this.#apis) await restart(api)
  }

  async restartConverters(): Promise<void> {
    for (const converter of this.#converters) await restart(converter)
  }

  async staging(): Promise<string[]> {
    return this.head.staging()
  }

  async close(): Promise<void> {
    await this.head.close()
    await this.redis.stop()
  }
}

async function restart(service: Service): Promise<void> {
  const exit = await service.process.stop(60)
  if (exit.code !== 0) throw new Error(`${service.process.name} ended with ${JSON.stringify(exit)} at SIGTERM`)
  await service.start()
}

async function metricsOf(service: Service): Promise<string> {
  return await (await fetch(`${service.opsUrl}/metrics`)).text()
}
