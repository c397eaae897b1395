import { hash } from 'node:crypto'
import type { PayloadEntry } from '../archive.ts'
import { type ByteString, quoted } from '../byte-string.ts'
import { eachDependency } from '../dependencies.ts'
import { RpmError, type Warning, warn } from '../errors.ts'
import type { FileInfo } from '../files.ts'
import { type ClosingFacts, type ContentWatcher, type Layout, namesOf, type OwnMember, tarTypeOf } from '../layout.ts'
import type { RpmPackage } from '../package.ts'
import { sysusers } from '../sysusers.ts'
import { Tag } from '../tags.ts'
import type { TarEntry } from '../tar.ts'
import { measured, textPieces } from '../text-pieces.ts'
import { hasInstallSection, unitAt } from '../units.ts'
import { type FileRow, fileTable, isConfig, isSpecial, sha256Line, sha256Watcher } from './file-rows.ts'
import { manifest } from './manifest.ts'
import { homeOf, place } from './placement.ts'
import { type PreparedScripts, prepareScripts } from './scripts.ts'
import { packageTable, requiresTable, scriptTable, triggerTable, unitTable, userTable } from './tables.ts'
import { UnitFiles } from './units.ts'

const SHA256_SIZE = 32
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const MAX_UNIT_FILE = 1024 * 1024

/** The layout `scyld`, version 1: docs/tar-layout.md. */
export class ScyldLayout implements Layout {
  readonly warnings: Warning[]
  readonly #rpm: RpmPackage
  readonly #home: ByteString
  readonly #scripts: PreparedScripts
  readonly #units = new UnitFiles()
  /** By the number of the file: 1 where it has a name in the archive. */
  readonly #inArchive: Uint8Array
  /** Regular files whose content passed by, in order of the archive. */
  readonly #contents: Uint32Array
  #contentCount = 0
  /** By the number of the file, where the RPM's own digests are not SHA-256. */
  #sha256s: Buffer | undefined

  constructor(rpm: RpmPackage) {
    const { name } = rpm.nevra
    if (name === '' || name === '.' || name === '..' || name.includes('/')) {
      throw new RpmError('bad-file-path', `a package named ${quoted(name)} has no place below /opt/scyld`)
    }
    this.#rpm = rpm
    this.#inArchive = new Uint8Array(rpm.files.length)
    this.#contents = new Uint32Array(rpm.files.length)
    this.#home = homeOf(name)
    this.#scripts = prepareScripts(rpm)
    this.warnings = [...this.#scripts.warnings]
  }

  *opening(): Generator<TarEntry> {
    for (const [path, name] of [
      [this.#home, './'],
      ['/', './pkg/'],
    ] as const) {
      const { files } = this.#rpm
      const found = files.find(path)
      const owned = found !== undefined && !files.isGhost(found) ? files.at(found) : undefined
      yield owned?.type === 'directory' ? this.member(owned, owned, name) : this.#own(name, 0o755)
    }
  }

  place(file: FileInfo): ByteString | undefined {
    if (file.type === 'character-device' || file.type === 'block-device') return undefined
    if (file.type === 'socket') {
      this.#warn(file, 'socket-left-out', 'TAR has no sockets')
      return undefined
    }
    const src = place(file.path, file.type, this.#home)
    this.#inArchive[file.index] = 1
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

  watch(entry: PayloadEntry): ContentWatcher | undefined {
    const unitPaths: ByteString[] = []
    for (const { index, path } of namesOf(entry)) {
      this.#contents[this.#contentCount++] = index
      if (entry.content.size <= MAX_UNIT_FILE && unitAt(path) !== undefined) unitPaths.push(path)
    }
    const known = this.#knownSha256(entry.file)
    const hashing = known === undefined ? sha256Watcher(sha256 => this.#keep(entry, sha256)) : undefined
    if (!hashing && unitPaths.length === 0) return undefined
    const pieces: Buffer[] = []
    return {
      update: bytes => {
        hashing?.update(bytes)
        if (unitPaths.length > 0) pieces.push(Buffer.from(bytes))
      },
      end: () => {
        hashing?.end()
        if (unitPaths.length === 0) return
        const content = Buffer.concat(pieces).toString('latin1')
        const hasInstall = hasInstallSection(content)
        for (const path of unitPaths) this.#units.add(path, { hasInstall })
      },
    }
  }

  *closing({ outcome, signed }: ClosingFacts): Generator<OwnMember> {
    yield* this.#scriptMembers()
    const units = this.#units.rows(this.#scripts, this.warnings)
    const users = sysusers(eachDependency(this.#rpm.header, 'provides'))
    const warnings = [...outcome.warnings, ...this.warnings]
    yield { entry: this.#own('./pkg/meta/', 0o755), content: [] }
    const summary = {
      files: String(this.#rpm.files.length),
      size: String(this.#uniqueBytes()),
      'payload-checked': outcome.checked,
      signed,
      warnings: String(warnings.length),
    }
    yield this.#table('package', () => packageTable(this.#rpm, this.#home, summary))
    yield this.#table('files', () => fileTable('files', this.#rows()))
    yield this.#table('special', () => fileTable('special', this.#rows(isSpecial)))
    yield this.#table('config', () => fileTable('config', this.#rows(isConfig)))
    yield this.#table('dirs', () => fileTable('dirs', this.#directories()))
    yield this.#table('scripts', () => scriptTable(this.#scripts))
    yield this.#table('triggers', () => triggerTable(this.#scripts))
    yield this.#table('units', () => unitTable(units))
    yield this.#table('users', () => userTable(users))
    yield this.#table('requires', () => requiresTable(eachDependency(this.#rpm.header, 'requires')))
    yield this.#meta('SHA256SUMS', () => textPieces(this.#sums(), 'latin1'))
    const facts = { rpm: this.#rpm, home: this.#home, checked: outcome.checked, signed, units, users, warnings }
    const scripts = this.#scripts
    yield this.#meta('manifest.json', () => textPieces(manifest({ ...facts, scripts, rows: this.#rows() }), 'utf8'))
  }

  *#scriptMembers(): Generator<OwnMember> {
    for (const scripts of [this.#scripts.scriptlets, this.#scripts.triggers]) {
      const files = scripts.filter(({ file }) => file !== undefined)
      if (files.length === 0) continue
      yield { entry: this.#own(`./${files[0]!.file!.replace(/[^/]+$/, '')}`, 0o755), content: [] }
      for (const { file, body } of files) {
        const content = Buffer.from(body!, 'latin1')
        yield { entry: this.#own(`./${file}`, 0o755, content.length), content: [content] }
      }
    }
  }

  #table(name: string, lines: () => Iterable<ByteString>): OwnMember {
    return this.#meta(`${name}.tsv`, () => textPieces(lines(), 'latin1'))
  }

  #meta(name: string, make: () => Iterable<Uint8Array>): OwnMember {
    const { size, content } = measured(make)
    return { entry: this.#own(`./pkg/meta/${name}`, 0o644, size), content }
  }

  #own(name: ByteString, mode: number, size = 0): TarEntry {
    const mtime = this.#rpm.header.number(Tag.BUILDTIME) ?? 0
    return { name, type: name.endsWith('/') ? 'directory' : 'file', mode, mtime, owner: 'root', group: 'root', size }
  }

  *#rows(wanted?: (row: FileRow) => boolean): Generator<FileRow, void, undefined> {
    for (const file of this.#rpm.files) {
      const row = this.#row(file)
      if (!wanted || wanted(row)) yield row
    }
  }

  #row(file: FileInfo): FileRow {
    const { files } = this.#rpm
    const last = files.links.last(file.index)
    const src = this.#srcOf(file)
    const isContent = file.type === 'file' && src !== undefined
    return {
      file,
      metadata: last === file.index ? file : files.at(last)!,
      src,
      size: isContent ? file.size : 0,
      sha256: isContent ? this.#sha256Of(file) : undefined,
      set: files.links.ordinal(file.index),
    }
  }

  /** Those in the archive, parents before what is in them. */
  *#directories(): Generator<FileRow, void, undefined> {
    const { files } = this.#rpm
    const found: number[] = []
    for (let k = 0; k < files.length; k++) if (files.type(k) === 'directory' && this.#inArchive[k]) found.push(k)
    // Most packages have them in this order: making paths anew costs less than keeping them all.
    found.sort((a, b) => (files.path(a) < files.path(b) ? -1 : 1))
    for (const k of found) yield this.#row(files.at(k)!)
  }

  /** The lines of SHA256SUMS: contents of the RPM, then scripts. */
  *#sums(): Generator<ByteString, void, undefined> {
    for (const index of this.#contents.subarray(0, this.#contentCount)) {
      const file = this.#rpm.files.at(index)!
      yield sha256Line(this.#sha256Of(file), this.#srcOf(file)!)
    }
    for (const { file, body } of [...this.#scripts.scriptlets, ...this.#scripts.triggers]) {
      if (file !== undefined) yield sha256Line(hash('sha256', Buffer.from(body!, 'latin1')), file)
    }
  }

  /** A hardlink set counts once. */
  #uniqueBytes(): number {
    const { files } = this.#rpm
    let sum = 0
    for (const index of this.#contents.subarray(0, this.#contentCount)) {
      if (files.links.last(index) === index) sum += files.size(index)
    }
    return sum
  }

  #srcOf({ index, path, type }: FileInfo): ByteString | undefined {
    return this.#inArchive[index] ? place(path, type, this.#home) : undefined
  }

  #sha256Of(file: FileInfo): string {
    const at = file.index * SHA256_SIZE
    return this.#knownSha256(file) ?? this.#sha256s!.toString('hex', at, at + SHA256_SIZE)
  }

  #keep(entry: PayloadEntry, sha256: string): void {
    this.#sha256s ??= Buffer.alloc(this.#rpm.files.length * SHA256_SIZE)
    for (const { index } of namesOf(entry)) this.#sha256s.write(sha256, index * SHA256_SIZE, 'hex')
  }

  /** The header's: the reader has checked it, or will before the archive ends. */
  #knownSha256({ digest, size }: FileInfo): string | undefined {
    if (size === 0) return EMPTY_SHA256
    return digest !== '' && this.#rpm.files.digestAlgorithm.name === 'sha256' ? digest : undefined
  }

  #warn({ path }: FileInfo, code: string, message: string): void {
    warn(this.warnings, { code, message: `${quoted(path)}: ${message}`, path })
  }
}
