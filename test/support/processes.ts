import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './ports.ts'

/** How a process ended. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface ProcessOptions {
  /** Short name: of the log file, and in errors. */
  name: string
  command: string
  args?: readonly string[]
  /** Added to the environment of the tests; undefined takes a variable away. */
  env?: Readonly<Record<string, string | undefined>>
  cwd?: string
  /** Asked until it says true; the process is started once it does. */
  ready?: (process: RunningProcess) => Promise<boolean>
  /** How long that may take. */
  readySeconds?: number
}

/** A process of a test: in a process group of its own, with what it printed kept in a file. */
export class RunningProcess {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  readonly exited: Promise<Exit>
  exit: Exit | undefined

  constructor(name: string, child: ChildProcess, logFile: string) {
    if (child.pid === undefined) throw new Error(`${name} could not be started`)
    this.name = name
    this.pid = child.pid
    this.logFile = logFile
    this.exited = new Promise(resolve => {
      child.once('exit', (code, signal) => {
        this.exit = { code, signal }
        resolve(this.exit)
      })
    })
  }

  /** What it printed so far, standard output and standard error together. */
  log(): string {
    return readFileSync(this.logFile, 'utf8')
  }

  /** The log lines that are JSON objects, as pino writes them. */
  records(): Record<string, unknown>[] {
    return this.log()
      .split('\n')
      .filter(line => line.startsWith('{') && line.endsWith('}'))
      .map(line => JSON.parse(line) as Record<string, unknown>)
  }

  /** Sends a signal to this process alone. */
  signal(signal: NodeJS.Signals): void {
    if (this.exit === undefined) process.kill(this.pid, signal)
  }

  /** Kills it and everything it started that is still in its process group. */
  async kill(): Promise<Exit> {
    killGroup(this.pid)
    return await this.exited
  }

  /** SIGTERM, and SIGKILL for what is left after the given time. */
  async stop(seconds = 20): Promise<Exit> {
    this.signal('SIGTERM')
    const timer = setTimeout(() => killGroup(this.pid), seconds * 1000)
    const exit = await this.exited
    clearTimeout(timer)
    killGroup(this.pid)
    return exit
  }
}

const running = new Set<RunningProcess>()
process.once('exit', () => {
  for (const each of running) killGroup(each.pid)
})

/** Starts a process and waits until it is ready; with its log in the error when it ends or takes too long. */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const logFile = join(mkdtempSync(join(tmpdir(), `diskful-${options.name}-`)), 'log')
  const log = openSync(logFile, 'a')
  const child = spawn(options.command, options.args ?? [], {
    cwd: options.cwd,
    env: withChanges(process.env, options.env ?? {}),
    stdio: ['ignore', log, log],
    detached: true,
  })
  closeSync(log)
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  if (child.pid === undefined) return await failed
  const started = new RunningProcess(options.name, child, logFile)
  running.add(started)
  void started.exited.then(() => running.delete(started))
  const { ready } = options
  if (ready === undefined) return started
  try {
    await until(
      async () => {
        if (started.exit !== undefined) throw new Error(`${options.name} ended: ${JSON.stringify(started.exit)}`)
        return (await ready(started)) || undefined
      },
      { seconds: options.readySeconds ?? 30, otherwise: () => `${options.name} is not ready` },
    )
  } catch (error) {
    await started.kill()
    throw new Error(`${String(error)}\n${started.log()}`, { cause: error })
  }
  return started
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function withChanges(
  base: NodeJS.ProcessEnv,
  changes: Readonly<Record<string, string | undefined>>,
): NodeJS.ProcessEnv {
  const env = { ...base }
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete env[name]
    else env[name] = value
  }
  return env
}
