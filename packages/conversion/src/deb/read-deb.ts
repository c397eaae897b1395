import type { FileBytes } from '../catalog/file-bytes.ts'
import { type ArMember, arMembers } from './ar.ts'
import { readControlFile } from './control-archive.ts'
import { DebError } from './deb-error.ts'
import { type Paragraph, parseParagraph } from './paragraph.ts'

export interface DebPackage {
  name: string
  /** As in the control file, checked: `[epoch:]upstream[-revision]`. */
  version: string
  arch: string
  control: Paragraph
}

const MOST_PACKED_CONTROL = 32 * 1024 * 1024

/** Members and control file of a DEB; its data archive must be there in full length, and is left unread. */
export async function readDeb(bytes: FileBytes): Promise<DebPackage> {
  const members = arMembers(bytes, name => isArchive('data', name))
  checkFormat(bytes, members[0])
  // Members that begin with an underscore are other tools' (signatures); dpkg passes over them.
  const [, control, data] = members.filter((member, index) => index === 0 || !member.name.startsWith('_'))
  if (!control || !isArchive('control', control.name)) throw new DebError('missing-member', 'no control archive')
  if (!data || !isArchive('data', data.name)) throw new DebError('missing-member', 'no data archive')
  if (control.size > MOST_PACKED_CONTROL) {
    throw new DebError('control-too-large', `a control archive of ${control.size} bytes`)
  }
  const text = await readControlFile(control.name, bytes.read(control.offset, control.size))
  return identify(parseParagraph(text))
}

function isArchive(part: 'control' | 'data', name: string): boolean {
  return name === `${part}.tar` || name.startsWith(`${part}.tar.`)
}

function checkFormat(bytes: FileBytes, first: ArMember | undefined): void {
  if (first?.name !== 'debian-binary') throw new DebError('not-a-deb', 'an ar archive, but no Debian package')
  const format = bytes.read(first.offset, Math.min(first.size, 64)).toString('latin1')
  if (!/^2\.\d+\n/.test(format)) {
    throw new DebError('unsupported-deb-version', `Debian package format ${JSON.stringify(format)}; 2.0 is known here`)
  }
}

function identify(control: Paragraph): DebPackage {
  const name = field(control, 'package', /^[A-Za-z0-9][A-Za-z0-9+._-]*$/)
  const version = field(control, 'version', /^(\d{1,9}:)?[A-Za-z0-9.+~:-]+$/)
  const arch = field(control, 'architecture', /^[A-Za-z0-9][A-Za-z0-9-]*$/)
  return { name, version, arch, control }
}

function field(control: Paragraph, name: string, allowed: RegExp): string {
  const value = control.get(name)
  if (value === undefined || value === '') throw new DebError('bad-control', `the control file has no ${name}`)
  if (!allowed.test(value)) {
    throw new DebError(
      'bad-control',
      `the control file has an impossible ${name}: ${JSON.stringify(value.slice(0, 80))}`,
    )
  }
  return value
}
