import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

/** What the figures were measured on; a ratio without its machine says little. */
export function machineLine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${memory}, Node ${process.versions.node}`
}

/** First line that a tool says about its version, or 'not installed'. */
export function toolVersion(command: string, args: readonly string[]): string {
  try {
    const said = execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', command, ...args], { encoding: 'utf8' })
    return said.trim().split('\n')[0] ?? ''
  } catch {
    return 'not installed'
  }
}
