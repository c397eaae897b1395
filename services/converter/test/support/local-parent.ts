import { createLogger, localQueue, TarStore } from '@diskful/conversion'
import { Converters } from './converters.ts'
import { TestFolders } from './test-folders.ts'

// A process with a local queue that waits for a conversion that never ends: to be killed by a test.

const folders = new TestFolders(process.argv[2])
const converters = new Converters({ folders, faults: { 1: 'steady:600000' } })
const logger = createLogger('test', 'silent')
const store = await TarStore.open({ folder: folders.cache, writable: false, logger })
const queue = localQueue({
  store,
  logger,
  spawn: () => {
    const child = converters.spawn()
    process.stdout.write(`converter ${child.pid}\n`)
    return child
  },
})
await queue.convert(await folders.job(1), { waitMs: 600_000 })
