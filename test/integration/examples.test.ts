import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { requireTool } from '../support/requires.ts'

const EXAMPLES = resolve(import.meta.dirname, '../../examples')

/** The committed packages come from rpm 4.18 (Debian 12); other versions write other headers of the same content. */
function hasRpm418(): boolean {
  if (!requireTool('rpmbuild') || !requireTool('dpkg-deb')) return false
  const version = execFileSync('rpmbuild', ['--version'], { encoding: 'utf8' })
  if (version.includes(' 4.18.')) return true
  console.warn(`skipped: the example packages were built with rpm 4.18, here is ${version.trim()}`)
  return false
}

describe.skipIf(!hasRpm418())('the example packages', () => {
  it('are what their specs and trees give', () => {
    const folder = mkdtempSync(join(tmpdir(), 'diskful-examples-'))
    try {
      execFileSync(join(EXAMPLES, 'packages/build.sh'), [folder], { stdio: 'pipe' })
      for (const type of ['rpm', 'deb']) {
        const built = hashes(join(folder, type))
        expect(Object.keys(built)).not.toHaveLength(0)
        expect(hashes(join(EXAMPLES, 'clientpkgs', type))).toEqual(built)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

function hashes(folder: string): Record<string, string> {
  const hash = (file: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex')
  return Object.fromEntries(readdirSync(folder).map(file => [file, hash(file)]))
}
