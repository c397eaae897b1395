import { hash } from 'node:crypto'
import { type ByteString, quoted } from '../byte-string.ts'
import { RpmError, type Warning } from '../errors.ts'
import { type FileInfo, fileDigestAlgorithm } from '../files.ts'
import {
  type ClosingFacts,
  type ContentWatcher,
  type Inode,
  type Layout,
  type OwnMember,
  tarTypeOf,
} from '../layout.ts'
import type { RpmPackage } from '../package.ts'
import { sysusers } from '../sysusers.ts'
import { Tag } from '../tags.ts'
import type { TarEntry } from '../tar.ts'
import { unitAt } from '../units.ts'
import {
  directories,
  type FileRow,
  fileTable,
  isConfig,
  isGhost,
  isSpecial,
  sha256Line,
  sha256Watcher,
} from './file-rows.ts'
import { manifest } from './manifest.ts'
import { homeOf, place } from './placement.ts'
import { type PreparedScripts, prepareScripts } from './scripts.ts'
import { packageTable, requiresTable, scriptTable, triggerTable, unitTable, userTable } from './tables.ts'
import { UnitFiles } from './units.ts'

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const MAX_UNIT_FILE = 1024 * 1024

/** The layout `scyld`, version 1: docs/tar-layout.md. */
export class ScyldLayout implements Layout {
  readonly warnings: Warning[]
  readonly #rpm: RpmPackage
  readonly #home: ByteString
  readonly #scripts: PreparedScripts
  readonly #units = new UnitFiles()
  /** By the index of the file. */
  readonly #contents = new Map<number, { size: number; sha256: string }>()
  readonly #inArchive = new Map<number, ByteString>()
  /** In order of the archive. */
  readonly #sums: ByteString[] = []

  constructor(rpm: RpmPackage) {
    const { name } = rpm.nevra
    if (name === '' || name === '.' || name === '..' || name.includes('/')) {
      throw new RpmError('bad-file-path', `a package named ${quoted(name)} has no place below /opt/scyld`)
    }
    this.#rpm = rpm
    this.#home = homeOf(name)
    this.#scripts = prepareScripts(rpm)
    this.warnings = [...this.#scripts.warnings]
  }

  *opening(): Generator<TarEntry> {
    for (const [path, name] of [
      [this.#home, './'],
      ['/', './pkg/'],
    ] as const) {
      const owned = this.#rpm.files.find(file => file.path === path && file.type === 'directory' && !isGhost(file))
      yield owned ? this.member(owned, owned, name) : this.#own(name, 0o755)
    }
  }

  place(file: FileInfo): ByteString | undefined {
    if (file.type === 'character-device' || file.type === 'block-device') return undefined
    if (file.type === 'socket') {
      this.#warn(file, 'socket-left-out', 'TAR has no sockets')
      return undefined
    }
    const src = place(file.path, file.type, this.#home)
    this.#inArchive.set(file.index, src)
    if (src.startsWith('pkg/_/')) this.#warn(file, 'moved', `stands at ${quoted(src)}, its own place is ours`)
    if (src === '.' || src === 'pkg') return undefined // among the opening members
    return `./${src}${file.type === 'directory' ? '/' : ''}`
  }

  member(file: FileInfo, metadata: FileInfo, name: ByteString, size = 0): TarEntry {
    if (file.type === 'symlink') this.#units.add(file.path, undefined)
    const { mode, mtime, owner, group } = metadata
    return {
      name,
      type: tarTypeOf(file)!,
      mode: mode & 0o1777,
      mtime,
      owner,
      group,
      size,
      link: file.type === 'symlink' ? file.linkTarget : undefined,
    }
  }

  watch({ names, metadata }: Inode, size: number): ContentWatcher | undefined {
    const known = size === 0 ? EMPTY_SHA256 : this.#sha256InHeader(metadata)
    const unitPaths = names.map(file => file.path).filter(path => size <= MAX_UNIT_FILE && unitAt(path) !== undefined)
    const keep = (sha256: string) => {
      for (const file of names) {
        this.#contents.set(file.index, { size, sha256 })
        this.#sums.push(sha256Line(sha256, this.#inArchive.get(file.index)!))
      }
    }
    const hashing = known === undefined ? sha256Watcher(keep) : undefined
    if (!hashing && unitPaths.length === 0) {
      keep(known!)
      return undefined
    }
    const pieces: Buffer[] = []
    return {
      update: bytes => {
        hashing?.update(bytes)
        if (unitPaths.length > 0) pieces.push(Buffer.from(bytes))
      },
      end: () => {
        if (hashing) hashing.end()
        else keep(known!)
        for (const path of unitPaths) this.#units.add(path, Buffer.concat(pieces).toString('latin1'))
      },
    }
  }

  *closing({ outcome, signed }: ClosingFacts): Generator<OwnMember> {
    yield* this.#scriptMembers()
    const units = this.#units.rows(this.#scripts, this.warnings)
    const users = sysusers(this.#rpm.dependencies('provides'))
    const rows = this.#rows()
    const warnings = [...outcome.warnings, ...this.warnings]
    yield { entry: this.#own('./pkg/meta/', 0o755), content: [] }
    const summary = {
      files: String(rows.length),
      size: String(uniqueBytes(rows)),
      'payload-checked': outcome.checked,
      signed,
      warnings: String(warnings.length),
    }
    yield this.#meta('package.tsv', [packageTable(this.#rpm, this.#home, summary).bytes()])
    yield this.#meta('files.tsv', [fileTable('files', rows).bytes()])
    yield this.#meta('special.tsv', [fileTable('special', rows.filter(isSpecial)).bytes()])
    yield this.#meta('config.tsv', [fileTable('config', rows.filter(isConfig)).bytes()])
    yield this.#meta('dirs.tsv', [fileTable('dirs', directories(rows)).bytes()])
    yield this.#meta('scripts.tsv', [scriptTable(this.#scripts).bytes()])
    yield this.#meta('triggers.tsv', [triggerTable(this.#scripts).bytes()])
    yield this.#meta('units.tsv', [unitTable(units).bytes()])
    yield this.#meta('users.tsv', [userTable(users).bytes()])
    yield this.#meta('requires.tsv', [requiresTable(this.#rpm.dependencies('requires')).bytes()])
    yield this.#meta('SHA256SUMS', [Buffer.from(this.#sums.join(''), 'latin1')])
    const facts = { rpm: this.#rpm, home: this.#home, checked: outcome.checked, signed, rows, units, users, warnings }
    yield this.#meta('manifest.json', [...manifest({ ...facts, scripts: this.#scripts })])
  }

  *#scriptMembers(): Generator<OwnMember> {
    for (const scripts of [this.#scripts.scriptlets, this.#scripts.triggers]) {
      const files = scripts.filter(({ file }) => file !== undefined)
      if (files.length === 0) continue
      yield { entry: this.#own(`./${files[0]!.file!.replace(/[^/]+$/, '')}`, 0o755), content: [] }
      for (const { file, body } of files) {
        const content = Buffer.from(body!, 'latin1')
        this.#sums.push(sha256Line(hash('sha256', content), file!))
        yield { entry: this.#own(`./${file}`, 0o755, content.length), content: [content] }
      }
    }
  }

  #meta(name: string, content: readonly Uint8Array[]): OwnMember {
    const size = content.reduce((sum, piece) => sum + piece.length, 0)
    return { entry: this.#own(`./pkg/meta/${name}`, 0o644, size), content }
  }

  #own(name: ByteString, mode: number, size = 0): TarEntry {
    const mtime = this.#rpm.header.number(Tag.BUILDTIME) ?? 0
    return { name, type: name.endsWith('/') ? 'directory' : 'file', mode, mtime, owner: 'root', group: 'root', size }
  }

  #rows(): FileRow[] {
    const last = new Map<number, FileInfo>()
    for (const file of this.#rpm.files) if (file.hardlinkSet !== undefined) last.set(file.hardlinkSet, file)
    const numbers = new Map<number, number>()
    return this.#rpm.files.map(file => {
      const set = file.hardlinkSet
      if (set !== undefined && !numbers.has(set)) numbers.set(set, numbers.size + 1)
      const { size = 0, sha256 } = this.#contents.get(file.index) ?? {}
      return {
        file,
        metadata: set === undefined ? file : last.get(set)!,
        src: this.#inArchive.get(file.index),
        size,
        sha256,
        set: set === undefined ? undefined : numbers.get(set),
      }
    })
  }

  /** The reader has checked it, or will before the archive ends. */
  #sha256InHeader({ digest }: FileInfo): string | undefined {
    return digest !== '' && fileDigestAlgorithm(this.#rpm.header).name === 'sha256' ? digest : undefined
  }

  #warn({ path }: FileInfo, code: string, message: string): void {
    this.warnings.push({ code, message: `${quoted(path)}: ${message}`, path })
  }
}

function uniqueBytes(rows: readonly FileRow[]): number {
  const counted = new Set<number>()
  let sum = 0
  for (const { set, size } of rows) {
    if (set !== undefined && counted.has(set)) continue
    if (set !== undefined) counted.add(set)
    sum += size
  }
  return sum
}
