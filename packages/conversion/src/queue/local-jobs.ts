import type { ConversionJob } from '../job.ts'

export interface LocalJob {
  job: ConversionJob
  since: number
  /** Times that it was tried and the machine failed. */
  failures: number
  /** Times that the converter process died while it ran. */
  crashes: number
}

/** The order of the local queue: nodes before prewarming, first come first served, suspects alone. */
export class LocalJobs {
  #waiting = { node: new Map<string, LocalJob>(), prewarm: new Map<string, LocalJob>() }
  #running = new Map<string, LocalJob>()

  /** Joins a job for the same key; a node's wish lifts a prewarming one out of its queue. */
  add(job: ConversionJob): void {
    if (this.#running.has(job.key) || this.#waiting.node.has(job.key)) return
    const prewarming = this.#waiting.prewarm.get(job.key)
    if (prewarming && job.priority === 'prewarm') return
    this.#waiting.prewarm.delete(job.key)
    this.#waiting[job.priority].set(job.key, { job, since: performance.now(), failures: 0, crashes: 0, ...prewarming })
  }

  /** Takes the next one that may run beside what runs already. */
  next(): LocalJob | undefined {
    const [first] = [...firstOf(this.#waiting.node), ...firstOf(this.#waiting.prewarm)]
    if (!first || this.#suspects(first)) return undefined
    this.#waiting.node.delete(first.job.key)
    this.#waiting.prewarm.delete(first.job.key)
    this.#running.set(first.job.key, first)
    return first
  }

  /** Takes a job that ran out of the list. */
  finish(key: string): LocalJob | undefined {
    const local = this.#running.get(key)
    this.#running.delete(key)
    return local
  }

  /** Puts jobs back to be tried again, before all others. */
  retry(locals: readonly LocalJob[]): void {
    this.#waiting.node = new Map([...locals.map(local => [local.job.key, local] as const), ...this.#waiting.node])
  }

  /** The converter died: takes out all that ran. */
  takeRunning(): LocalJob[] {
    const running = [...this.#running.values()]
    this.#running.clear()
    return running
  }

  get running(): number {
    return this.#running.size
  }

  get waiting(): number {
    return this.#waiting.node.size + this.#waiting.prewarm.size
  }

  /** Milliseconds that the oldest waits. */
  oldestMs(): number {
    const since = [...firstOf(this.#waiting.node), ...firstOf(this.#waiting.prewarm)].map(local => local.since)
    return since.length === 0 ? 0 : Math.round(performance.now() - Math.min(...since))
  }

  /** A job under which a converter died runs alone, so that no other is blamed for it. */
  #suspects(next: LocalJob): boolean {
    if (this.#running.size === 0) return false
    return next.crashes > 0 || [...this.#running.values()].some(({ crashes }) => crashes > 0)
  }
}

function firstOf(jobs: Map<string, LocalJob>): LocalJob[] {
  const first = jobs.values().next()
  return first.done ? [] : [first.value]
}
