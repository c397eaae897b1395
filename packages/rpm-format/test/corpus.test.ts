import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CORPUS, hasCorpus } from '../../../test/support/corpus.ts'
import { openPackage, type PayloadEntry, RpmError, type RpmErrorCode } from '../src/index.ts'

/** What rpm2archive gave for one RPM; see the corpus's own README. */
interface Expected {
  path: string
  nevra: string
  entries: { name: string; type: string; size: number; sha256?: string; link?: string }[]
}

const codes: Record<string, RpmErrorCode> = {
  'bad-magic': 'unsupported-version',
  'not-rpm-text': 'not-an-rpm',
  'standalone-drpm-magic': 'delta-rpm',
  'drpm-payload': 'delta-rpm',
  'truncated-header': 'truncated-header',
  'truncated-payload': 'truncated-payload',
  'malformed-tag-count0': 'malformed-header',
  'header-digest-bad': 'header-digest-mismatch',
  'payload-digest-bad': 'payload-digest-mismatch',
  'hello-hdr-corrupt-5555.rpm': 'header-digest-mismatch',
  'hello-payload-corrupt-7777.rpm': 'payload-digest-mismatch',
  'hlinktest-corrupt-8050.rpm': 'payload-digest-mismatch',
  'hlinktest-corrupt-8180.rpm': 'payload-digest-mismatch',
}

const tarTypes: Record<string, string> = { 3: 'character-device', 4: 'block-device', 5: 'directory', 6: 'fifo' }

describe.skipIf(!hasCorpus())('real RPMs', () => {
  it('have the files that rpm unpacks from them, byte for byte', { timeout: 120_000 }, async () => {
    const lines = gunzipSync(readFileSync(join(CORPUS, 'expected.jsonl.gz')))
      .toString('utf8')
      .trim()
      .split('\n')
    const differences: string[] = []
    for (const line of lines) {
      const expected = JSON.parse(line) as Expected
      const got = await unpack(expected.path).catch((error: unknown) => new Map([['error', String(error)]]))
      if (!sameMap(got, wanted(expected)))
        differences.push(`${expected.path}: ${firstDifference(got, wanted(expected))}`)
    }
    expect(differences).toEqual([])
    expect(lines.length).toBeGreaterThan(500)
  })

  it('that are broken are refused by the code of their kind', { timeout: 60_000 }, async () => {
    const broken = [
      ...badRows(),
      ...readdirSync(join(CORPUS, 'bad')).map(name => ({ path: `bad/${name}`, kind: name })),
    ]
    const got: [string, unknown][] = []
    for (const { path, kind } of broken) got.push([`${kind} ${path}`, await refusal(path)])
    expect(got).toEqual(broken.map(({ path, kind }) => [`${kind} ${path}`, codes[kind]]))
    expect(broken.length).toBeGreaterThan(50)
  })
})

async function unpack(path: string): Promise<Map<string, string>> {
  const handle = await open(join(CORPUS, path))
  try {
    const opened = await openPackage(handle)
    const found = new Map<string, string>()
    for await (const entry of opened.entries()) {
      const what = await fingerprint(entry)
      for (const { path } of [entry.file, ...entry.links]) found.set(path, what)
    }
    return found
  } finally {
    await handle.close()
  }
}

async function fingerprint({ file, content }: PayloadEntry): Promise<string> {
  if (file.type === 'symlink') return `-> ${file.linkTarget}`
  if (file.type !== 'file') return file.type
  const hash = createHash('sha256')
  for await (const piece of content) hash.update(piece)
  return `${content.size} ${hash.digest('hex')}`
}

function wanted({ entries }: Expected): Map<string, string> {
  const contents = new Map<string, string>()
  for (const { name, type, size, sha256, link } of entries) {
    const path = `/${bytesOf(name)
      .split('/')
      .filter(part => part !== '' && part !== '.')
      .join('/')}`
    if (type === '0') contents.set(path, `${size} ${sha256}`)
    else if (type === '1') contents.set(path, contents.get(bytesOf(link!).replace(/^\.?\/*/, '/'))!)
    else contents.set(path, type === '2' ? `-> ${bytesOf(link!)}` : tarTypes[type]!)
  }
  return contents
}

/** Python wrote bytes that are no UTF-8 as lone surrogates (U+DC80–U+DCFF). */
function bytesOf(text: string): string {
  return Array.from(text, char => {
    const code = char.codePointAt(0)!
    return code >= 0xdc80 && code <= 0xdcff ? String.fromCharCode(code - 0xdc00) : Buffer.from(char).toString('latin1')
  }).join('')
}

function badRows(): { path: string; kind: string }[] {
  const [head, ...rows] = readFileSync(join(CORPUS, 'catalog.tsv'), 'utf8').trimEnd().split('\n')
  const columns = head!.split('\t')
  const [path, kind] = [columns.indexOf('path'), columns.indexOf('bad_kind')]
  return rows
    .map(row => row.split('\t'))
    .filter(row => row[kind])
    .map(row => ({ path: row[path]!, kind: row[kind]! }))
}

async function refusal(path: string): Promise<unknown> {
  const handle = await open(join(CORPUS, path))
  try {
    for await (const _ of (await openPackage(handle)).entries());
    return 'accepted'
  } catch (error) {
    return error instanceof RpmError ? error.code : error
  } finally {
    await handle.close()
  }
}

function sameMap(a: Map<string, string>, b: Map<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
}

function firstDifference(got: Map<string, string>, want: Map<string, string>): string {
  for (const [path, what] of want) if (got.get(path) !== what) return `${path} is ${got.get(path)} instead of ${what}`
  return `${[...got.keys()].find(path => !want.has(path))} is too much`
}
