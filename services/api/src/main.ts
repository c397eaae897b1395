import { readConfig } from './config.ts'
import { runApi, startProblem } from './run.ts'

/** The API alone, for the distributed mode. */
try {
  const config = readConfig(process.env)
  if (config.redisUrl === undefined) {
    throw Object.assign(
      new Error(
        'The API alone needs REDIS_URL, through which converters are asked. Without Redis, run both with: npx pnpm@12 start',
      ),
      { code: 'bad-environment' },
    )
  }
  await runApi(config)
  // Connections that never came about, as with a wrong password, would go on being tried.
  process.exit()
} catch (error) {
  const problem = startProblem(error)
  if (problem === undefined) throw error
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
