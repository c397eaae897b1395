import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const REPO = resolve(import.meta.dirname, '../..')

/** The folder of real RPMs that tests compare with: DISKFUL_CORPUS, else `shared/corpus` beside the checkout. */
export const CORPUS = resolve(process.env.DISKFUL_CORPUS ?? join(REPO, '../shared/corpus'))

/** The folder with tools that come with the corpus (corpus-check, docker-up). */
export const CORPUS_TOOLS = resolve(CORPUS, '../tools')

let said = false

/** Whether the corpus is there, for `describe.skipIf(!hasCorpus())`; says once how to enable these tests. */
export function hasCorpus(): boolean {
  if (existsSync(join(CORPUS, 'catalog.tsv'))) return true
  if (!said) console.warn(`skipped: tests over real RPMs; there is no corpus at ${CORPUS} (set DISKFUL_CORPUS)`)
  said = true
  return false
}
