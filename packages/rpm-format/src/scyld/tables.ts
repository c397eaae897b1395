import { hash } from 'node:crypto'
import type { ByteString } from '../byte-string.ts'
import { type Dependency, SenseFlag } from '../dependencies.ts'
import { formatNevra } from '../nevra.ts'
import type { RpmPackage } from '../package.ts'
import type { SysusersLine } from '../sysusers.ts'
import { Tag } from '../tags.ts'
import { mapped } from '../text-pieces.ts'
import type { PreparedScripts } from './scripts.ts'
import { cell, listCell, tsv } from './tsv.ts'
import type { UnitRow } from './units.ts'

export const LAYOUT_VERSION = 1

type TableLines = Iterable<ByteString>

/** What is known of the package as a whole, in the order of package.tsv. */
export function packageTable(rpm: RpmPackage, home: ByteString, rest: Record<string, ByteString>): TableLines {
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
  const rows = Object.entries(values).map(([key, value]) => [key, cell(value)])
  return tsv('package', ['key', 'value'], rows)
}

export function headerSha256({ header }: RpmPackage): string {
  return hash('sha256', header.bytes)
}

function oneLine(text: ByteString = ''): ByteString {
  return text.replace(/\s+/g, ' ').trim()
}

export function scriptTable({ scriptlets }: PreparedScripts): TableLines {
  const rows = scriptlets.map(({ source, file, notes, critical }) => {
    const flags = `${source.expand ? 'e' : ''}${source.qformat ? 'q' : ''}${critical ? 'c' : ''}`
    return [
      source.slot,
      flags || '-',
      String(source.argv.length),
      listCell(source.argv, ' '),
      file ?? '-',
      notes.join(',') || '-',
    ]
  })
  return tsv('scripts', ['slot', 'flags', 'argc', 'args', 'file', 'note'], rows)
}

export function triggerTable({ triggers }: PreparedScripts): TableLines {
  const rows = triggers.map(({ number, source, file }) => {
    const conditions = source.conditions.map(({ name, operator, version }) =>
      operator === '' ? listCell([name], '') : `${listCell([name], '')} ${operator} ${listCell([version], '')}`,
    )
    return [
      number,
      source.kind,
      source.type,
      source.priority === undefined ? '-' : String(source.priority),
      listCell(source.argv, ' '),
      file ?? '-',
      conditions.join(', ') || '-',
    ]
  })
  return tsv('triggers', ['number', 'kind', 'type', 'priority', 'args', 'file', 'conditions'], rows)
}

export function unitTable(units: readonly UnitRow[]): TableLines {
  const rows = units.map(({ unit, why, hasInstall, path }) => [
    cell(unit),
    why,
    hasInstall ? 'yes' : 'no',
    cell(path ?? ''),
  ])
  return tsv('units', ['unit', 'why', 'has-install', 'path'], rows)
}

export function userTable(lines: readonly SysusersLine[]): TableLines {
  const columns = ['type', 'name', 'id', 'gecos', 'home', 'shell', 'line'] as const
  const rows = lines.map(line => columns.map(column => cell(line[column])))
  return tsv('users', columns, rows)
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

export function requiresTable(requires: Iterable<Dependency>): TableLines {
  const rows = mapped(requires, ({ name, operator, version, flags }) => [
    cell(name),
    operator || '-',
    cell(version),
    senseWordsOf(flags).join(',') || '-',
  ])
  return tsv('requires', ['name', 'op', 'version', 'flags'], rows)
}
