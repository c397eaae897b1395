import type { ChildProcess } from 'node:child_process'
import type { Logger } from '../logging.ts'
import type { FromConverter, ToConverter } from './ipc.ts'

/** A converter that says nothing for so long hangs: it speaks every two seconds. */
const SILENCE_MS = 30_000
const HEALTHY_MS = 30_000
const BACKOFF_MS = 250
const MAX_BACKOFF_MS = 10_000

export interface ConverterProcessOptions {
  spawn: () => ChildProcess
  logger: Logger
  onMessage: (message: FromConverter) => void
  /** It ended; a new one will be started. */
  onDeath: () => void
  silenceMs?: number
}

/** Keeps one converter process running: starts another when it ends, later and later if they end soon. */
export class ConverterProcess {
  #options: ConverterProcessOptions
  #child: ChildProcess | undefined
  #startedAt = 0
  #deaths = 0
  #restart: NodeJS.Timeout | undefined
  #silence: NodeJS.Timeout | undefined
  #stopping = false
  #exited: Promise<void> = Promise.resolve()

  constructor(options: ConverterProcessOptions) {
    this.#options = options
    this.#start()
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  send(message: ToConverter): void {
    // A process that cannot be told anything is about to be reported dead.
    this.#child?.send(message, error => {
      if (error) this.#options.logger.debug({ error }, 'the converter could not be told')
    })
  }

  /** Asks it to finish what runs, and ends it when that takes longer than `limitMs`. */
  async stop(limitMs: number): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#restart)
    if (!this.#child) return
    this.send({ type: 'stop' })
    const child = this.#child
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
    await this.#exited
    clearTimeout(timer)
  }

  #start(): void {
    const { spawn, logger, onMessage, onDeath } = this.#options
    this.#startedAt = performance.now()
    const child = spawn()
    this.#child = child
    this.#watchSilence()
    child.on('message', message => {
      this.#watchSilence()
      onMessage(message as FromConverter)
    })
    this.#exited = new Promise(resolve => {
      const ended = (how: Record<string, unknown>) => {
        if (this.#child !== child) return
        this.#child = undefined
        clearTimeout(this.#silence)
        resolve()
        if (this.#stopping) return
        logger.warn({ ...how, converter: child.pid }, 'the converter ended; another one is started')
        onDeath()
        this.#restart = setTimeout(() => this.#start(), this.#backoff())
      }
      child.once('error', error => ended({ error }))
      child.once('exit', (code, signal) => ended({ code, signal }))
    })
  }

  #backoff(): number {
    if (performance.now() - this.#startedAt >= HEALTHY_MS) this.#deaths = 0
    const ms = this.#deaths === 0 ? 0 : Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** (this.#deaths - 1))
    this.#deaths++
    return ms
  }

  #watchSilence(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      this.#options.logger.error({ converter: this.#child?.pid }, 'the converter says nothing any more; it is ended')
      this.#child?.kill('SIGKILL')
    }, this.#options.silenceMs ?? SILENCE_MS).unref()
  }
}
