import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestFolders } from './test-folders.ts'

const FAULTY_MAIN = join(import.meta.dirname, 'faulty-main.ts')
const PREFLIGHT = join(import.meta.dirname, '../../../../preflight.mjs')

export interface ConverterSettings {
  folders: TestFolders
  /** What happens at which level. */
  faults?: Record<number, string>
  env?: Record<string, string>
  /** Started again when it ends, as systemd and Docker do. */
  restart?: boolean
}

/** Starts real converter processes with faulty threads; their output goes to <root>/converter.log. */
export class Converters {
  #settings: ConverterSettings
  #running = new Set<ChildProcess>()
  #stopping = false

  constructor(settings: ConverterSettings) {
    this.#settings = settings
  }

  /** One with an IPC channel, for the local queue. */
  readonly spawn = (): ChildProcess => this.#start()

  /** One that takes jobs from Redis. Its channel ends it with the tests, however they end. */
  start(): ChildProcess {
    const child = this.#start()
    child.once('exit', () => {
      if (this.#settings.restart && !this.#stopping) this.start()
    })
    return child
  }

  pids(): number[] {
    return [...this.#running].flatMap(({ pid }) => pid ?? [])
  }

  log(): string {
    return readFileSync(this.#logFile, 'utf8')
  }

  async stop(): Promise<void> {
    this.#stopping = true
    const exits = [...this.#running].map(async child => {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await exit
      clearTimeout(timer)
    })
    await Promise.all(exits)
  }

  get #logFile(): string {
    return join(this.#settings.folders.root, 'converter.log')
  }

  #start(): ChildProcess {
    const { folders, faults = {}, env } = this.#settings
    const log = openSync(this.#logFile, 'a')
    const child = spawn(process.execPath, ['--import', PREFLIGHT, FAULTY_MAIN], {
      stdio: ['ignore', log, log, 'ipc'],
      serialization: 'json',
      env: {
        PATH: process.env.PATH,
        CLIENTPKGS_DIR: folders.packages,
        CACHE_DIR: folders.cache,
        CACHE_MIN_FREE_PERCENT: '0',
        OPS_PORT: '0',
        FAULTS: JSON.stringify(faults),
        FAULT_RUNS: folders.runsFile,
        CONVERTER_CONCURRENCY: '2',
        COMPRESS_THREADS: '2',
        ...env,
      },
    })
    closeSync(log)
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    return child
  }
}
