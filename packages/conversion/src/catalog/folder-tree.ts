import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { identityOf, type StatIdentity } from '../identity.ts'
import type { PackageType } from './entry.ts'
import { isInside, systemCode } from './package-file.ts'
import { packageFileKind } from './package-kind.ts'

export interface FoundFile {
  type: PackageType
  /** Below CLIENTPKGS_DIR/<type>. */
  file: string
  fileName: string
  /** Where it lies really. */
  path: string
  identity: StatIdentity
}

export interface Problem {
  code: string
  message: string
}

/** What the tree tells: files that are there now (known ones as well), names that are not, what cannot be used. */
export interface TreeEvents {
  found(file: FoundFile): void
  gone(type: PackageType, file: string): void
  problem(type: PackageType, file: string, problem: Problem | undefined): void
}

/** What Dirent and Stats have in common. */
interface Named {
  readonly name: string
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
}

interface Listing {
  /** Changes with what the folder contains. */
  stamp: string
  files: Set<string>
  folders: Set<string>
  problems: Set<string>
  /** Listed again that many times: a change within one tick of the folder's clock does not show in its stamp. */
  again: number
}

const DEEPEST = 40

/**
 * The folder of one package type, nested folders included. Uses synchronous calls: it lives in a thread of its own,
 * where a hanging file server holds up nobody else, and libuv's pool stays free for downloads.
 */
export class FolderTree {
  readonly #root: string
  readonly #type: PackageType
  readonly #events: TreeEvents
  readonly #listings = new Map<string, Listing>()
  /** Symlinked folders that are walked, by where they lead: each place once, so that loops end. */
  #linked = new Map<string, string>()

  constructor(root: string, type: PackageType, events: TreeEvents) {
    this.#root = root
    this.#type = type
    this.#events = events
  }

  folders(): Iterable<string> {
    return this.#listings.keys()
  }

  pathOf(folder: string): string {
    return join(this.#root, this.#type, folder)
  }

  /** Lists a folder and everything below it; yields after every folder, so that the thread can do other things. */
  *scan(folder = ''): Generator<void, void, undefined> {
    if (folder === '') this.#linked = new Map()
    const toDo = [folder]
    for (let next = toDo.pop(); next !== undefined; next = toDo.pop()) {
      toDo.push(...this.#list(next))
      yield
    }
  }

  /** Lists the folders that changed, and what is new below them. */
  *scanChanged(): Generator<void, void, undefined> {
    if (this.#listings.size === 0) yield* this.scan()
    // What is found on the way was listed a moment ago.
    for (const [folder, listing] of Array.from(this.#listings)) {
      if (this.#stampOf(folder) === listing.stamp && listing.again === 0) continue
      const { again } = listing
      const toDo = this.#list(folder).filter(below => !this.#listings.has(below))
      const relisted = this.#listings.get(folder)
      if (relisted?.stamp === listing.stamp) relisted.again = again - 1
      for (const below of toDo) yield* this.scan(below)
      yield
    }
  }

  /** Looks at one name in a folder, as fs.watch tells it; false when the whole folder has to be listed. */
  look(folder: string, name: string): boolean {
    const listing = this.#listings.get(folder)
    if (!listing || listing.folders.has(name)) return false
    const file = joined(folder, name)
    const entry = this.#lstat(file, name)
    if (entry?.isDirectory()) return false
    if (!entry) {
      if (listing.files.delete(name)) this.#events.gone(this.#type, file)
      if (listing.problems.delete(name)) this.#events.problem(this.#type, file, undefined)
      return true
    }
    if (entry.isSymbolicLink()) return false
    this.#classify(folder, entry, listing)
    return true
  }

  /** The file's state now, undefined when it is gone or has become something else. */
  again(file: string): FoundFile | undefined {
    const fileName = file.slice(file.lastIndexOf('/') + 1)
    const entry = this.#lstat(file, fileName)
    const found = entry && (entry.isFile() || entry.isSymbolicLink()) && this.#stat(file, fileName, entry)
    return found && 'path' in found ? found : undefined
  }

  /** Lists one folder; returns its subfolders. */
  #list(folder: string): string[] {
    const before = this.#listings.get(folder)
    // Taken first: what comes in between changes the stamp again.
    const stamp = this.#stampOf(folder)
    let entries: Named[]
    try {
      entries = readdirSync(this.pathOf(folder), { withFileTypes: true })
    } catch (error) {
      this.#unlisted(folder, error, before)
      return []
    }
    this.#events.problem(this.#type, folder, undefined)
    const listing: Listing = { stamp, files: new Set(), folders: new Set(), problems: new Set(), again: 2 }
    if (before?.stamp === stamp) listing.again = before.again
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) this.#classify(folder, entry, listing)
    this.#listings.set(folder, listing)
    this.#forget(folder, before, listing)
    return [...listing.folders].map(name => joined(folder, name))
  }

  #classify(folder: string, entry: Named, listing: Listing): void {
    const { name } = entry
    // Hidden: what rsync and editors have not finished, and snapshots of the file server.
    if (name.startsWith('.') || name === 'lost+found') return
    const file = joined(folder, name)
    if (entry.isDirectory()) {
      if (this.#mayDescend(folder, name)) listing.folders.add(name)
      return
    }
    const found = this.#stat(file, name, entry)
    if (!found) return
    if ('folder' in found) {
      if (this.#mayFollow(file, found.folder)) listing.folders.add(name)
      return
    }
    if ('code' in found) {
      listing.files.delete(name)
      listing.problems.add(name)
      this.#events.problem(this.#type, file, found)
      return
    }
    if (listing.problems.delete(name)) this.#events.problem(this.#type, file, undefined)
    listing.files.add(name)
    this.#events.found(found)
  }

  /** undefined: vanished meanwhile. */
  #stat(file: string, fileName: string, entry: Named): FoundFile | Problem | { folder: string } | undefined {
    const path = this.pathOf(file)
    try {
      if (entry.isSymbolicLink()) return this.#statLink(file, fileName, path)
      if (!isPlainName(fileName)) return badName(fileName)
      if (!entry.isFile()) return { code: 'not-a-package', message: 'no regular file' }
      const kind = packageFileKind(this.#type, fileName)
      if (kind) return kind
      const stats = lstatSync(path, { bigint: true })
      if (!stats.isFile()) return undefined
      return { type: this.#type, file, fileName, path, identity: identityOf(stats) }
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      return { code: 'not-readable', message: (error as Error).message }
    }
  }

  #statLink(file: string, fileName: string, path: string): FoundFile | Problem | { folder: string } {
    let real: string
    try {
      real = realpathSync.native(path)
    } catch (error) {
      return { code: 'broken-link', message: `a symlink that leads nowhere (${systemCode(error)})` }
    }
    if (!this.#isAllowed(real))
      return { code: 'outside-folder', message: 'a symlink that leads out of the package folder' }
    const stats = statSync(real, { bigint: true })
    if (stats.isDirectory()) return { folder: real }
    if (!isPlainName(fileName)) return badName(fileName)
    const kind = packageFileKind(this.#type, fileName)
    if (kind) return kind
    if (!stats.isFile()) return { code: 'not-a-package', message: 'a symlink to something that is no regular file' }
    return { type: this.#type, file, fileName, path: real, identity: identityOf(stats) }
  }

  /** Inside CLIENTPKGS_DIR, or inside the type's own folder where that is a symlink to elsewhere. */
  #isAllowed(real: string): boolean {
    return isInside(real, realpathSync.native(this.pathOf(''))) || isInside(real, realpathSync.native(this.#root))
  }

  /** What a symlink leads to may contain the type's own folder, which is walked anyway. */
  #mayDescend(folder: string, name: string): boolean {
    if (folder.split('/').length >= DEEPEST) return false
    const throughLink = [...this.#linked.values()].some(link => folder === link || isInside(folder, link))
    if (!throughLink) return true
    const real = realpathSync.native(this.pathOf(joined(folder, name)))
    const home = realpathSync.native(this.pathOf(''))
    return real !== home && !isInside(real, home)
  }

  #mayFollow(file: string, real: string): boolean {
    const home = realpathSync.native(this.pathOf(''))
    if (real === home || isInside(real, home)) return false
    const walkedAs = this.#linked.get(real)
    if (walkedAs !== undefined && walkedAs !== file) return false
    this.#linked.set(real, file)
    return true
  }

  #unlisted(folder: string, error: unknown, before: Listing | undefined): void {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      this.#events.problem(this.#type, folder, undefined)
      this.#listings.delete(folder)
      this.#forget(folder, before, undefined)
      return
    }
    // A file server that is away for a moment takes no package out of the catalog.
    const message = `the folder cannot be listed: ${(error as Error).message}`
    this.#events.problem(this.#type, folder, { code: 'not-readable', message })
    if (!before) this.#listings.set(folder, emptyListing())
  }

  /** Tells of what the folder had before and has no longer. */
  #forget(folder: string, before: Listing | undefined, now: Listing | undefined): void {
    if (!before) return
    for (const name of before.files) if (!now?.files.has(name)) this.#events.gone(this.#type, joined(folder, name))
    for (const name of before.problems) {
      if (!now?.problems.has(name)) this.#events.problem(this.#type, joined(folder, name), undefined)
    }
    for (const name of before.folders) if (!now?.folders.has(name)) this.#drop(joined(folder, name))
  }

  #drop(folder: string): void {
    const listing = this.#listings.get(folder)
    this.#listings.delete(folder)
    this.#events.problem(this.#type, folder, undefined)
    this.#forget(folder, listing, undefined)
  }

  #stampOf(folder: string): string {
    try {
      const { ino, mtimeNs, ctimeNs } = statSync(this.pathOf(folder), { bigint: true })
      return `${ino}-${mtimeNs}-${ctimeNs}`
    } catch (error) {
      return `absent-${systemCode(error)}`
    }
  }

  #lstat(file: string, name: string): Named | undefined {
    const stats = lstatSync(this.pathOf(file), { throwIfNoEntry: false })
    return stats && Object.assign(stats, { name })
  }
}

function emptyListing(): Listing {
  return { stamp: 'unread', files: new Set(), folders: new Set(), problems: new Set(), again: 0 }
}

/** Names end up in logs, headers and shell scripts. U+FFFD stands for what was no UTF-8. */
function isPlainName(fileName: string): boolean {
  return !/[\p{Cc}\ufffd]/u.test(fileName)
}

function badName(fileName: string): Problem {
  return {
    code: 'bad-file-name',
    message: `the file name has control characters or is no UTF-8: ${JSON.stringify(fileName)}`,
  }
}

function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}
