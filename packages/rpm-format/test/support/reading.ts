import {
  openPackage,
  type PayloadOutcome,
  type ReadOptions,
  RpmError,
  type RpmPackage,
  type Source,
} from '../../src/index.ts'

export interface ReadFile {
  path: string
  links: string[]
  content: string
}

export interface ReadResult {
  package: RpmPackage
  files: ReadFile[]
  outcome: PayloadOutcome
}

/** Everything that a package holds; contents as byte strings. */
export async function readAll(source: Source, options: ReadOptions = {}): Promise<ReadResult> {
  const opened = await openPackage(source, options)
  const files: ReadFile[] = []
  for await (const { file, links, content } of opened.entries()) {
    let bytes = ''
    for await (const piece of content) bytes += Buffer.from(piece).toString('latin1')
    files.push({ path: file.path, links: Array.from(links, ({ path }) => path), content: bytes })
  }
  if (!opened.outcome) throw new Error('the entries ended without an outcome')
  return { package: opened.package, files, outcome: opened.outcome }
}

/** The code that a package is refused with; anything but an RpmError is thrown on, acceptance gives 'accepted'. */
export async function refusal(source: Source, options: ReadOptions = {}): Promise<string> {
  try {
    await readAll(source, options)
    return 'accepted'
  } catch (error) {
    if (error instanceof RpmError) return error.code
    throw error
  }
}

/** The same bytes in chunks of `size`. */
export function* chunked(bytes: Uint8Array, size: number): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
