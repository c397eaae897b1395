import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

export interface DebSpec {
  /** Fields of the control file, in this order. */
  control?: Record<string, string>
  /** The whole control file instead. */
  controlText?: string
  /** Files beside it, first. */
  beside?: Record<string, string>
  /** Members as they lie in the ar archive, made of what an honest writer would write. */
  members?: (honest: ArMember[]) => ArMember[]
}

export interface ArMember {
  name: string
  content: Buffer
  /** What the header says, where it lies. */
  size?: string
}

export async function buildDeb(spec: DebSpec = {}): Promise<Buffer> {
  const fields = { Package: 'test', Version: '1.0-1', Architecture: 'all', ...spec.control }
  const text =
    spec.controlText ??
    Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join('')
  const honest = [
    { name: 'debian-binary', content: Buffer.from('2.0\n') },
    { name: 'control.tar.gz', content: gzipSync(await tarOf({ ...spec.beside, './control': text })) },
    { name: 'data.tar.gz', content: gzipSync(await tarOf({})) },
  ]
  return ar(spec.members ? spec.members(honest) : honest)
}

export function ar(members: readonly ArMember[]): Buffer {
  const pieces: Buffer[] = [Buffer.from('!<arch>\n')]
  for (const { name, content, size } of members) {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${(size ?? String(content.length)).padEnd(10)}\`\n`
    pieces.push(Buffer.from(header, 'latin1'), content, Buffer.alloc(content.length % 2, '\n'))
  }
  return Buffer.concat(pieces)
}

export async function tarOf(files: Record<string, string>): Promise<Buffer> {
  const archive = pack()
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mtime: new Date(0) }, content)
  archive.finalize()
  const pieces: Buffer[] = []
  for await (const piece of archive) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}
