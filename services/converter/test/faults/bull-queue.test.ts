import { afterEach, beforeEach, describe } from 'vitest'
import { OwnRedis } from '../../../../test/support/redis.ts'
import { requireOwnRedis } from '../../../../test/support/requires.ts'
import { faultContract } from '../support/fault-contract.ts'
import { QueueBench } from '../support/queue-bench.ts'

describe.skipIf(!requireOwnRedis())('bullQueue', () => {
  let redis: OwnRedis
  beforeEach(async () => {
    redis = await OwnRedis.start()
  })
  afterEach(() => redis.stop())

  faultContract(settings => {
    return QueueBench.bull(redis.url, { ...settings, env: { ...settings?.env, CACHE_CARE_SECONDS: '1' } })
  })
})
