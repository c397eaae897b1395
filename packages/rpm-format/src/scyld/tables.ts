import { hash } from 'node:crypto'
import type { ByteString } from '../byte-string.ts'
import { type Dependency, SenseFlag } from '../dependencies.ts'
import { formatNevra } from '../nevra.ts'
import type { RpmPackage } from '../package.ts'
import type { SysusersLine } from '../sysusers.ts'
import { Tag } from '../tags.ts'
import type { PreparedScripts } from './scripts.ts'
import { cell, listCell, Table } from './tsv.ts'
import type { UnitRow } from './units.ts'

export const LAYOUT_VERSION = 1

/** What is known of the package as a whole, in the order of package.tsv. */
export function packageTable(rpm: RpmPackage, home: ByteString, rest: Record<string, ByteString>): Table {
  const { nevra, header } = rpm
  const evr = `${nevra.epoch === undefined ? '' : `${nevra.epoch}:`}${nevra.version}-${nevra.release}`
  const values: Record<string, ByteString> = {
    layout: String(LAYOUT_VERSION),
    name: nevra.name,
    epoch: nevra.epoch === undefined ? '' : String(nevra.epoch),
    version: nevra.version,
    release: nevra.release,
    arch: nevra.arch,
    evr,
    nevra: formatNevra(nevra),
    summary: oneLine(header.string(Tag.SUMMARY)),
    license: oneLine(header.string(Tag.LICENSE)),
    buildtime: String(header.number(Tag.BUILDTIME) ?? ''),
    home,
    source: rpm.isSource ? 'yes' : 'no',
    'rpm-format': String(rpm.format),
    'header-sha256': headerSha256(rpm),
    ...rest,
  }
  const table = new Table('package', ['key', 'value'])
  for (const [key, value] of Object.entries(values)) table.add([key, cell(value)])
  return table
}

export function headerSha256({ header }: RpmPackage): string {
  return hash('sha256', header.bytes)
}

function oneLine(text: ByteString = ''): ByteString {
  return text.replace(/\s+/g, ' ').trim()
}

export function scriptTable({ scriptlets }: PreparedScripts): Table {
  const table = new Table('scripts', ['slot', 'flags', 'argc', 'args', 'file', 'note'])
  for (const { source, file, notes, critical } of scriptlets) {
    const flags = `${source.expand ? 'e' : ''}${source.qformat ? 'q' : ''}${critical ? 'c' : ''}`
    table.add([
      source.slot,
      flags || '-',
      String(source.argv.length),
      listCell(source.argv, ' '),
      file ?? '-',
      notes.join(',') || '-',
    ])
  }
  return table
}

export function triggerTable({ triggers }: PreparedScripts): Table {
  const table = new Table('triggers', ['number', 'kind', 'type', 'priority', 'args', 'file', 'conditions'])
  for (const { number, source, file } of triggers) {
    const conditions = source.conditions.map(({ name, operator, version }) =>
      operator === '' ? listCell([name], '') : `${listCell([name], '')} ${operator} ${listCell([version], '')}`,
    )
    table.add([
      number,
      source.kind,
      source.type,
      source.priority === undefined ? '-' : String(source.priority),
      listCell(source.argv, ' '),
      file ?? '-',
      conditions.join(', ') || '-',
    ])
  }
  return table
}

export function unitTable(units: readonly UnitRow[]): Table {
  const table = new Table('units', ['unit', 'why', 'has-install', 'path'])
  for (const { unit, why, hasInstall, path } of units) {
    table.add([cell(unit), why, hasInstall ? 'yes' : 'no', cell(path ?? '')])
  }
  return table
}

export function userTable(lines: readonly SysusersLine[]): Table {
  const table = new Table('users', ['type', 'name', 'id', 'gecos', 'home', 'shell', 'line'])
  for (const { type, name, id, gecos, home, shell, line } of lines) {
    table.add([type, name, id, gecos, home, shell, line].map(cell))
  }
  return table
}

const senseWords = [
  [SenseFlag.PRE, 'pre'],
  [SenseFlag.POST, 'post'],
  [SenseFlag.PREUN, 'preun'],
  [SenseFlag.POSTUN, 'postun'],
  [SenseFlag.PRETRANS, 'pretrans'],
  [SenseFlag.POSTTRANS, 'posttrans'],
  [SenseFlag.PREUNTRANS, 'preuntrans'],
  [SenseFlag.POSTUNTRANS, 'postuntrans'],
  [SenseFlag.VERIFY, 'verify'],
  [SenseFlag.INTERP, 'interp'],
  [SenseFlag.RPMLIB, 'rpmlib'],
  [SenseFlag.PREREQ, 'prereq'],
  [SenseFlag.CONFIG, 'config'],
  [SenseFlag.MISSINGOK, 'missingok'],
  [SenseFlag.META, 'meta'],
] as const

export function senseWordsOf(flags: number): string[] {
  return senseWords.filter(([flag]) => flags & flag).map(([, word]) => word)
}

export function requiresTable(requires: readonly Dependency[]): Table {
  const table = new Table('requires', ['name', 'op', 'version', 'flags'])
  for (const { name, operator, version, flags } of requires) {
    table.add([cell(name), operator || '-', cell(version), senseWordsOf(flags).join(',') || '-'])
  }
  return table
}
