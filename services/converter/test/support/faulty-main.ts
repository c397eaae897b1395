import { runConverter } from '../../src/run.ts'

await runConverter(new URL('./faulty-thread.ts', import.meta.url))
