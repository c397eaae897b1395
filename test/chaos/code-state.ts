import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { REPO } from '../support/head-node.ts'

const CODE = ['packages/*/src', 'services/*/src', 'start.ts', 'preflight.mjs', 'pnpm-lock.yaml']

/**
 * The files that services are started from, with their times. Services start anew all through a run: from files that
 * were edited meanwhile they make other TARs than this process expects, which looks like wrong bodies.
 */
export class CodeState {
  readonly #files = filesOfCode()

  /** Files that are not what they were. */
  edited(): string[] {
    const now = filesOfCode()
    return [...new Set([...this.#files.keys(), ...now.keys()])].filter(file => this.#files.get(file) !== now.get(file))
  }
}

function filesOfCode(): Map<string, string> {
  const patterns = CODE.map(path => `:(glob)${path.includes('*') ? `${path}/**` : path}`)
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...patterns],
    {
      cwd: REPO,
      encoding: 'utf8',
    },
  )
  const files = listed.split('\0').filter(file => file !== '' && existsSync(join(REPO, file)))
  return new Map(files.map(file => [file, timesOf(join(REPO, file))]))
}

function timesOf(path: string): string {
  const { size, mtimeMs, ctimeMs } = statSync(path)
  return `${size} ${mtimeMs} ${ctimeMs}`
}
