import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readConfig } from './services/api/src/config.ts'
import { runApi, startProblem } from './services/api/src/run.ts'
import type { ApiService } from './services/api/src/service.ts'
import { startedText } from './services/api/src/started-text.ts'

// `npx pnpm@12 start`: an API, which is this process, and one converter. Without REDIS_URL they talk over IPC.

const HEAD_NODE_PACKAGES = '/opt/scyld/clusterware/clientpkgs'
const EXAMPLE_PACKAGES = resolve(import.meta.dirname, 'examples/clientpkgs')
const CONVERTER = resolve(import.meta.dirname, 'services/converter/src/main.ts')
const EXAMPLES_REMARK = `
               (examples that come with Diskful, as there is no ${HEAD_NODE_PACKAGES};
               set CLIENTPKGS_DIR to offer your own)`
const FIRST_SCAN_MS = 5000
const RESTART_AFTER_MS = 2000

const given = process.env.CLIENTPKGS_DIR?.trim()
const packages = given || (existsSync(HEAD_NODE_PACKAGES) ? HEAD_NODE_PACKAGES : EXAMPLE_PACKAGES)
const environment: NodeJS.ProcessEnv = { ...process.env, CLIENTPKGS_DIR: packages }

try {
  await start()
  // Connections that never came about, as with a wrong password, would go on being tried.
  process.exit()
} catch (error) {
  const problem = startProblem(error)
  if (problem === undefined) throw error
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}

async function start(): Promise<void> {
  const config = readConfig(environment)
  const greet = async (service: ApiService): Promise<void> => {
    await Promise.race([service.catalog.ready, delay(FIRST_SCAN_MS, undefined, { ref: false })])
    process.stdout.write(startedText(config, service, packages === EXAMPLE_PACKAGES ? EXAMPLES_REMARK : ''))
  }
  if (config.redisUrl === undefined) {
    await runApi(config, { spawnConverter: () => converterProcess(), onStarted: greet })
    return
  }
  const converter = keepConverterRunning()
  try {
    await runApi(config, { onStarted: greet })
  } finally {
    await converter.stop()
  }
}

/**
 * In a process group of its own, so that Ctrl-C reaches it only through this process, when running answers are out; with
 * a channel, with Redis too, so that it ends when this process is killed.
 */
function converterProcess(): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, CONVERTER], {
    env: { ...environment, ...converterOpsPort() },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'json',
    detached: true,
  })
}

/** OPS_PORT is the API's; the converter takes the next one. Unset, both have defaults of their own. */
function converterOpsPort(): NodeJS.ProcessEnv {
  const port = Number(environment.OPS_PORT?.trim() || Number.NaN)
  return port > 0 ? { OPS_PORT: String(port + 1) } : {}
}

/** The converter of the mode with Redis: started again whenever it ends by itself. */
function keepConverterRunning(): { stop(): Promise<void> } {
  const stopping = new AbortController()
  let child = converterProcess()
  const supervise = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const [code, signal] = await once(child, 'exit')
      if (stopping.signal.aborted) return
      process.stderr.write(`The converter ended (${signal ?? `exit code ${code}`}); it is started again.\n`)
      await delay(RESTART_AFTER_MS)
      if (!stopping.signal.aborted) child = converterProcess()
    }
  }
  const supervision = supervise()
  return {
    async stop() {
      stopping.abort()
      child.kill('SIGTERM')
      await supervision
    },
  }
}
