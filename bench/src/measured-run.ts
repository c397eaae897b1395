import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

/** What one run of a command cost. */
export interface MeasuredRun {
  /** Wall clock, start to exit. */
  seconds: number
  /** High-water mark of resident memory, bytes, of the process itself (VmHWM; threads included, children not). */
  peakRss: number
}

/**
 * Runs a command to its end and measures it. Rejects when it does not exit with 0: a figure for a failed run is no figure.
 * The kernel keeps the high-water mark, so looking often is enough; only what is reached in the last 10 ms can be missed.
 */
export function measuredRun(
  command: string,
  args: readonly string[],
  /** Files that become standard input and output. */
  files: { input: string; output: string } = { input: '/dev/null', output: '/dev/null' },
): Promise<MeasuredRun> {
  return new Promise((resolve, reject) => {
    const input = openSync(files.input, 'r')
    const output = openSync(files.output, 'w')
    const started = performance.now()
    const child = spawn(command, args, { stdio: [input, output, 'pipe'] })
    closeSync(input)
    closeSync(output)
    let peakRss = 0
    let stderr = ''
    child.stderr!.setEncoding('utf8').on('data', text => {
      stderr = (stderr + text).slice(-2000)
    })
    const look = () => {
      peakRss = Math.max(peakRss, highWaterMark(child.pid))
    }
    const looking = setInterval(look, 10)
    child.once('error', error => {
      clearInterval(looking)
      reject(error)
    })
    child.once('close', (code, signal) => {
      clearInterval(looking)
      if (code === 0) resolve({ seconds: (performance.now() - started) / 1000, peakRss })
      else reject(new Error(`${command} ${args.join(' ')}: exit ${code ?? signal}\n${stderr}`))
    })
  })
}

/** Peak resident memory of a process in bytes; 0 when it is gone. */
export function highWaterMark(pid: number | undefined): number {
  try {
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return Number(kib ?? 0) * 1024
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH')
      return 0
    throw error
  }
}

/** The middle of a list of measurements; the mean of the two middle ones for an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
