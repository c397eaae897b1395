import type { FileBytes } from '../catalog/file-bytes.ts'
import { DebError } from './deb-error.ts'

export interface ArMember {
  name: string
  /** Position of its content. */
  offset: number
  size: number
}

const MAGIC = '!<arch>\n'
const HEADER = 60
/** dpkg writes three, signers add a few. */
const MOST_MEMBERS = 64

/** The members of an ar archive up to and including the one `isLast` accepts; every one must lie inside the file. */
export function arMembers(bytes: FileBytes, isLast: (name: string) => boolean): ArMember[] {
  if (bytes.read(0, MAGIC.length).toString('latin1') !== MAGIC) throw new DebError('not-a-deb', 'no ar archive')
  const members: ArMember[] = []
  let position = MAGIC.length
  while (position < bytes.size) {
    if (members.length === MOST_MEMBERS) throw new DebError('malformed-deb', `more than ${MOST_MEMBERS} ar members`)
    const member = memberAt(bytes, position)
    members.push(member)
    if (isLast(member.name)) return members
    // Contents begin at even positions.
    position = member.offset + member.size + (member.size % 2)
  }
  return members
}

function memberAt(bytes: FileBytes, position: number): ArMember {
  const header = bytes.read(position, HEADER).toString('latin1')
  if (header.length < HEADER) throw new DebError('incomplete', `the file ends in an ar member header at ${position}`)
  if (!header.endsWith('`\n')) throw new DebError('malformed-deb', `no ar member header at ${position}`)
  const sizeField = header.slice(48, 58).trimEnd()
  if (!/^\d+$/.test(sizeField))
    throw new DebError('malformed-deb', `an ar member size that is no number at ${position}`)
  // GNU's ar ends names with a slash, Debian's without.
  const name = header.slice(0, 16).trimEnd().replace(/\/$/, '')
  const member = { name, offset: position + HEADER, size: Number(sizeField) }
  const missing = member.offset + member.size - bytes.size
  if (missing > 0) {
    throw new DebError('incomplete', `${missing} bytes of its member ${JSON.stringify(name)} are missing`)
  }
  return member
}
