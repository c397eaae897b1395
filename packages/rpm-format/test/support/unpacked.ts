import { createHash } from 'node:crypto'
import { extract } from 'tar-stream'
import { rpmToTar, type Source, type TarOptions, type TarReport } from '../../src/index.ts'

export interface Member {
  name: string
  type: string
  mode: number
  owner: string
  group: string
  mtime: number
  link: string
  pax: Record<string, string>
  content: string
}

export interface Unpacked {
  bytes: Buffer
  members: Member[]
  report: TarReport
  /** Content by name; throws for a name that is not there. */
  file: (name: string) => string
  /** Lines of a TSV file without its first, split at TABs. */
  rows: (name: string) => string[][]
}

/** Converts and reads back with tar-stream. */
export async function unpack(source: Source, options: TarOptions): Promise<Unpacked> {
  const tar = rpmToTar(source, options)
  const chunks: Uint8Array[] = []
  for await (const chunk of tar) chunks.push(Buffer.from(chunk))
  const bytes = Buffer.concat(chunks)
  const members = await readMembers(bytes)
  const file = (name: string) => {
    const member = members.find(candidate => candidate.name === name)
    if (!member) throw new Error(`no ${name} in the archive`)
    return member.content
  }
  const rows = (name: string) =>
    file(`./pkg/meta/${name}`)
      .split('\n')
      .slice(1, -1)
      .map(line => line.split('\t'))
  return { bytes, members, report: await tar.report, file, rows }
}

async function readMembers(bytes: Buffer): Promise<Member[]> {
  const members: Member[] = []
  const options: object = { filenameEncoding: 'latin1' }
  const reader = extract(options)
  reader.end(bytes)
  for await (const entry of reader) {
    const { name, type, mode, uname, gname, mtime, linkname, pax } = entry.header
    const pieces: Buffer[] = []
    for await (const piece of entry) pieces.push(piece as Buffer)
    members.push({
      name,
      type: type ?? '',
      mode: mode ?? -1,
      owner: uname ?? '',
      group: gname ?? '',
      mtime: (mtime?.getTime() ?? 0) / 1000,
      link: linkname ?? '',
      pax: (pax as Record<string, string> | null) ?? {},
      content: Buffer.concat(pieces).toString('latin1'),
    })
  }
  return members
}

export function sha256(content: string): string {
  return createHash('sha256').update(Buffer.from(content, 'latin1')).digest('hex')
}
