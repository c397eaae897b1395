import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const logging = fileURLToPath(new URL('../src/logging.ts', import.meta.url))
/** More than a pipe holds. */
const LINES = 3000
const script = `
  const { createLogger } = await import(${JSON.stringify(logging)})
  const logger = createLogger('test', 'info')
  for (let n = 0; n < ${LINES}; n++) logger.info({ n, text: 'x'.repeat(100) }, 'a line')
  setTimeout(() => process.stderr.write('alive'), 10)
  process.stdin.once('data', () => process.exit(0))
`

describe('the log', () => {
  it('does not hold up the process when nobody reads it, and is whole at its end', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'pipe' })
    const [said] = (await once(child.stderr, 'data')) as [Buffer]
    expect(String(said)).toBe('alive')
    child.stdin.write('end\n')
    let text = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk
    const numbers = text
      .trimEnd()
      .split('\n')
      .map(line => (JSON.parse(line) as { n: number }).n)
    // The write that was under way when the process ended may come a little later than its neighbours.
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: LINES }, (_, n) => n))
  }, 30_000)
})
