import { runConverter } from './run.ts'

await runConverter()
