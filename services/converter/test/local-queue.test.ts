import { describe } from 'vitest'
import { QueueBench } from './support/queue-bench.ts'
import { queueContract } from './support/queue-contract.ts'

describe('localQueue', () => {
  queueContract(settings => QueueBench.local(settings))
})
