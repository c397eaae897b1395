import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Logger } from '../logging.ts'
import type { PlannedPackages } from '../plan/make-plan.ts'
import type { InventorySettings, Order, Report } from './messages.ts'

const threadUrl = new URL(`./inventory-thread${extname(import.meta.url)}`, import.meta.url)
const RESTART_MS = 1000

export interface InventoryLinkOptions {
  settings: Omit<InventorySettings, 'poisoned'>
  /** Heap of the thread in MiB; headers of packages are bounded, broken readers are not. */
  memoryMb: number
  logger: Logger
  onReport(report: Report): void
}

type OrderWithId = Extract<Order, { id: number }>
type Unnumbered<T> = T extends OrderWithId ? Omit<T, 'id'> : never

/**
 * The inventory's thread, started again when it dies. A package that was being read alone when it died was the reason,
 * and is not read again in this process; after a first death packages are read one at a time to find out.
 */
export class InventoryLink {
  readonly #options: InventoryLinkOptions
  readonly #waiting = new Map<
    number,
    { resolve(plan: PlannedPackages | undefined): void; reject(error: unknown): void }
  >()
  readonly #reading = new Map<string, string>()
  readonly #poisoned = new Map<string, string>()
  #thread: Worker
  #deaths = 0
  #closing: Promise<void> | undefined
  #lastId = 0

  constructor(options: InventoryLinkOptions) {
    this.#options = options
    this.#thread = this.#start()
  }

  /** Rejects when the thread dies over it. */
  ask(order: Unnumbered<OrderWithId>): Promise<PlannedPackages | undefined> {
    const id = ++this.#lastId
    this.tell({ ...order, id } as Order)
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  tell(order: Order): void {
    this.#thread.postMessage(order)
  }

  /** Writes what is known; then the thread is gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // A thread that hangs in a dead file server does not keep the service from ending.
    const patience = new Promise(resolve => setTimeout(resolve, 2000).unref())
    await Promise.race([this.ask({ kind: 'close' }).catch(() => undefined), patience])
    await this.#thread.terminate()
  }

  #start(): Worker {
    const { settings, memoryMb } = this.#options
    const workerData: InventorySettings = {
      ...settings,
      concurrency: this.#deaths > 0 ? 1 : settings.concurrency,
      poisoned: [...this.#poisoned],
    }
    const resourceLimits = { maxOldGenerationSizeMb: memoryMb }
    const thread = new Worker(threadUrl, { name: 'catalog', workerData, resourceLimits, execArgv: [] })
    let reason: unknown = new Error('the thread of the catalog has ended')
    thread.on('message', (report: Report) => this.#reported(report))
    thread.on('error', error => {
      reason = error
    })
    thread.on('exit', () => this.#died(reason))
    return thread
  }

  #reported(report: Report): void {
    if (report.kind === 'reading') this.#reading.set(report.key, report.identity)
    else if (report.kind === 'read') this.#reading.delete(report.key)
    else if (report.kind === 'answer') this.#answered(report)
    else this.#options.onReport(report)
  }

  #answered({ id, plan, error }: Extract<Report, { kind: 'answer' }>): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(plan)
    else waiting?.reject(new Error(error))
  }

  #died(reason: unknown): void {
    for (const waiting of this.#waiting.values()) waiting.reject(reason)
    this.#waiting.clear()
    if (this.#closing) return
    const reading = [...this.#reading]
    this.#reading.clear()
    this.#deaths++
    if (reading.length === 1) this.#poisoned.set(...reading[0]!)
    const facts = { error: (reason as Error).message, reading: reading.map(([key]) => key), deaths: this.#deaths }
    this.#options.logger.error(facts, 'the thread of the catalog died and is started again')
    setTimeout(() => {
      if (!this.#closing) this.#thread = this.#start()
    }, RESTART_MS).unref()
  }
}
