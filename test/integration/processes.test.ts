import { describe } from 'vitest'
import { scenarios } from '../scenarios/scenarios.ts'
import { ProcessStack } from '../support/process-stack.ts'
import { requireOwnRedis, requireTool } from '../support/requires.ts'

describe.skipIf(!requireTool('rpmbuild') || !requireOwnRedis())('two APIs and three converters as processes', () => {
  scenarios(() => ProcessStack.start({ apis: 2, converters: 3 }), { requests: 1000, packages: 20 })
})
