import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type NodeReport, REPORTS_KEPT, type ReportLog } from './report-log.ts'

/** STATE_DIR/node-reports.jsonl, rewritten when it holds twice what is kept. */
export class FileReportLog implements ReportLog {
  readonly #path: string
  #kept: NodeReport[]
  #lines: number
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, kept: NodeReport[], lines: number) {
    this.#path = path
    this.#kept = kept
    this.#lines = lines
  }

  static async open(stateDir: string): Promise<FileReportLog> {
    await mkdir(stateDir, { recursive: true })
    const path = join(stateDir, 'node-reports.jsonl')
    const lines = (await textOf(path)).split('\n').filter(Boolean)
    const kept = lines.slice(-REPORTS_KEPT).flatMap(parsedReport)
    return new FileReportLog(path, kept, lines.length)
  }

  add(report: NodeReport): Promise<void> {
    this.#kept.push(report)
    if (this.#kept.length > REPORTS_KEPT) this.#kept.shift()
    const written = this.#writing.then(() => this.#write(report))
    // The next one is written whatever became of this one, whose caller gets its error.
    this.#writing = written.catch(() => {})
    return written
  }

  async list(limit = REPORTS_KEPT): Promise<NodeReport[]> {
    return this.#kept.toReversed().slice(0, limit)
  }

  async close(): Promise<void> {
    await this.#writing
  }

  async #write(report: NodeReport): Promise<void> {
    if (this.#lines < 2 * REPORTS_KEPT) {
      await appendFile(this.#path, lineOf(report), { mode: 0o600 })
      this.#lines += 1
      return
    }
    const kept = [...this.#kept]
    await writeFile(`${this.#path}.new`, kept.map(lineOf).join(''), { mode: 0o600 })
    await rename(`${this.#path}.new`, this.#path)
    this.#lines = kept.length
  }
}

function lineOf(report: NodeReport): string {
  return `${JSON.stringify(report)}\n`
}

/** A line that a crash cut is left out. */
function parsedReport(line: string): NodeReport[] {
  try {
    const value = JSON.parse(line) as NodeReport
    return typeof value?.at === 'string' && typeof value.fields === 'object' ? [value] : []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
