import { type Download, type DownloadOptions, download, downloadInTwo, tarUrl } from '../support/downloads.ts'
import type { Format, Package } from './packages.ts'
import type { Seeded } from './seeded.ts'

/** Beyond any silence that the services allow themselves here (CONVERT_WAIT_SECONDS). */
const NEVER_SECONDS = 90
const FORMATS: readonly Format[] = ['tar.gz', 'tar.zst', 'tar']

export interface LoadCounts {
  requests: number
  /** By status, or by the error of the connection. */
  answers: Record<string, number>
  wrongBodies: string[]
  neverEnded: string[]
  /** 500, or an error that says no code. */
  unclearErrors: string[]
}

/** What a client does with a download: takes it, breaks off and asks for the rest, or leaves. */
type Manner = 'whole' | 'in two' | 'leaves'
const MANNERS: Readonly<Record<Manner, number>> = { whole: 7, 'in two': 2, leaves: 1 }

/** Clients that download without end, each after the other, and judge what they get. */
export class Load {
  readonly counts: LoadCounts = { requests: 0, answers: {}, wrongBodies: [], neverEnded: [], unclearErrors: [] }
  #apis: () => readonly string[]
  #packages: readonly Package[]
  #random: Seeded
  #running = true
  #clients: Promise<void>[] = []

  constructor(apis: () => readonly string[], packages: readonly Package[], random: Seeded) {
    this.#apis = apis
    this.#packages = packages
    this.#random = random
  }

  start(clients: number): void {
    this.#clients = Array.from({ length: clients }, () => this.#client())
  }

  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#clients)
  }

  /** One request, judged and counted. */
  async request(base: string, wanted: Package, format: Format, manner: Manner = 'whole'): Promise<Download> {
    const from = performance.now()
    const result = await this.#download(`${tarUrl(base, wanted.name)}?format=${format}`, manner)
    const { counts } = this
    counts.requests++
    const answer = result.error ?? String(result.status)
    counts.answers[answer] = (counts.answers[answer] ?? 0) + 1
    const what = `${result.url} at ${new Date().toISOString()}: ${answer} ${result.sha256.slice(0, 16)} ${result.text}`
    if (result.error === 'silence') counts.neverEnded.push(what)
    else if (result.error !== undefined) return result
    else if (result.status === 200 || result.status === 206) {
      const right = await wanted.isRight(result.sha256, format, from, performance.now())
      if (!right) counts.wrongBodies.push(what)
    } else if (result.status === 500 || !/"code":"[a-z-]+"/.test(result.text)) counts.unclearErrors.push(what)
    return result
  }

  async #download(url: string, manner: Manner): Promise<Download> {
    const options: DownloadOptions = { silenceSeconds: NEVER_SECONDS }
    if (manner === 'whole') return await download(url, options)
    // Some before there is an answer, some in the first bytes, some late.
    const leaveAfter = Math.floor(20_000_000 ** this.#random.next()) - 1
    if (manner === 'leaves') return await download(url, { ...options, leaveAfter })
    return await downloadInTwo(url, { ...options, leaveAfter: leaveAfter + 1 })
  }

  async #client(): Promise<void> {
    while (this.#running) {
      const random = this.#random
      const base = random.pick(this.#apis())
      const format = random.pick(FORMATS, each => (each === 'tar.gz' ? 6 : 1))
      const manner = random.pick(Object.keys(MANNERS) as Manner[], each => MANNERS[each])
      const result = await this.request(base, random.pick(this.#packages), format, manner)
      // Nodes that were refused do not come back at once.
      const pause = result.status === 200 ? random.between(0, 60) : random.between(100, 400)
      await new Promise(resolve => setTimeout(resolve, pause))
    }
  }
}
