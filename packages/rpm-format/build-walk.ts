import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Makes src/deflate-walk.wasm of src/deflate-walk.as, after every change of it: `npx pnpm@12 --filter rpm-format
 * build:walk`. The compiler is fetched for the occasion: it is 100 MB large.
 */
const compiler = 'assemblyscript@0.28.20'
const options = ['-O3', '--runtime', 'stub', '--noAssert', '--memoryBase', '5000']
const source = join(import.meta.dirname, 'src/deflate-walk.as')
const target = join(import.meta.dirname, 'src/deflate-walk.wasm')

const work = mkdtempSync(join(tmpdir(), 'deflate-walk-'))
try {
  // It compiles files that end in .ts and no others.
  copyFileSync(source, join(work, 'walk.ts'))
  const command = ['--yes', '--package', compiler, 'asc', 'walk.ts', ...options, '-o', 'walk.wasm']
  execFileSync('npx', command, { cwd: work, stdio: 'inherit' })
  writeFileSync(target, Buffer.concat([readFileSync(join(work, 'walk.wasm')), sourceSection()]))
} finally {
  rmSync(work, { recursive: true })
}

/** A custom section that says what the module was made from, so that a test sees when it is out of date. */
function sourceSection(): Buffer {
  const name = Buffer.from('source')
  const digest = createHash('sha256').update(readFileSync(source)).digest()
  const body = Buffer.concat([Buffer.of(name.length), name, digest])
  return Buffer.concat([Buffer.of(0, body.length), body])
}
