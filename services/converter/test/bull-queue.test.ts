import { afterAll, beforeAll, describe } from 'vitest'
import { startRedis, type TestRedis } from '../../../test/support/redis.ts'
import { requireRedis } from '../../../test/support/requires.ts'
import { QueueBench } from './support/queue-bench.ts'
import { queueContract } from './support/queue-contract.ts'

describe.skipIf(!requireRedis())('bullQueue', () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  queueContract(settings => QueueBench.bull(redis.url, settings))
})
