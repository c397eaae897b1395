import { closeSync, fstatSync, openSync } from 'node:fs'
import { setImmediate as breath } from 'node:timers/promises'
import { identityOf, identityText, sameIdentity } from '../identity.ts'
import type { PackageRelations } from '../plan/package-relations.ts'
import { type CatalogEntry, keyOf, PACKAGE_TYPES, type PackageType } from './entry.ts'
import { fileBytes } from './file-bytes.ts'
import { FolderTree, type FoundFile, type Problem } from './folder-tree.ts'
import { FolderWatch } from './folder-watch.ts'
import { OPEN_FLAGS } from './package-file.ts'
import { entryOf } from './records.ts'
import { Settling } from './settling.ts'
import type { CatalogState } from './state.ts'

export interface InventoryOptions {
  folder: string
  settleMs: number
  /** Between two looks at every file. */
  rescanMs: number
  /** Between two looks at every folder's own time. */
  pollMs: number
  /** Packages read at a time. */
  concurrency: number
  /** Files that killed a reader, by key and identityText(). */
  poisoned: readonly (readonly [key: string, identity: string])[]
}

/** What changes, one call each. */
export interface InventoryEvents {
  listed(entry: CatalogEntry): void
  unlisted(key: string): void
  problem(key: string, problem: Problem | undefined): void
  /** Before a package's content is looked at: if the reader dies, this was why. */
  reading(key: string, identity: FoundFile['identity']): void
  /** It survived. */
  read(key: string): void
  relations(entry: CatalogEntry, relations: PackageRelations): void
  scanned(): void
}

/** Loaded with the first package that is read: after a warm start, which reads none, that is half of the thread's modules. */
const reader = () => import('./read-facts.ts')

/** The longest that one turn keeps its thread's event loop. */
const TURN_MS = 20

/**
 * Keeps a list of the package files in a folder true: what is there, complete and readable is listed with what it says
 * of itself. Meant for a thread of its own, see FolderTree.
 */
export class Inventory {
  readonly #options: InventoryOptions
  readonly #events: InventoryEvents
  readonly #state: CatalogState
  readonly #trees: ReadonlyMap<PackageType, FolderTree>
  readonly #watch: FolderWatch
  readonly #settling: Settling
  /** Found last, by key; what is listed is a part of it. */
  readonly #listed = new Map<string, CatalogEntry>()
  readonly #problems = new Map<string, string>()
  readonly #toRead = new Map<string, FoundFile>()
  readonly #reading = new Set<string>()
  readonly #poisoned: ReadonlyMap<string, string>
  readonly #scans: { keys: Set<string>; done: () => void }[] = []
  #refreshes: (() => void)[] = []
  #stopped = false
  #wake: () => void = () => undefined
  #nextPoll = 0
  #nextScan = 0

  constructor(options: InventoryOptions, state: CatalogState, events: InventoryEvents) {
    this.#options = options
    this.#state = state
    this.#events = events
    this.#settling = new Settling(options.settleMs)
    this.#poisoned = new Map(options.poisoned)
    this.#watch = new FolderWatch(() => this.#wake())
    const treeEvents = {
      found: (file: FoundFile) => this.#found(file),
      gone: (type: PackageType, file: string) => this.#gone(keyOf({ type, file })),
      problem: (type: PackageType, file: string, problem: Problem | undefined) =>
        this.#problem(keyOf({ type, file }), problem),
    }
    this.#trees = new Map(PACKAGE_TYPES.map(type => [type, new FolderTree(options.folder, type, treeEvents)]))
  }

  isListed(key: string): boolean {
    return this.#listed.has(key)
  }

  entries(): Iterable<CatalogEntry> {
    return this.#listed.values()
  }

  entry(key: string): CatalogEntry | undefined {
    return this.#listed.get(key)
  }

  /** Resolves when everything that lies there now is listed, or found to be no package, or found to be changing still. */
  refresh(): Promise<void> {
    return new Promise(resolve => {
      this.#refreshes.push(resolve)
      this.#wake()
    })
  }

  /** Looks at one file at once: somebody saw that it is not what is listed. */
  recheck(key: string): void {
    const entry = this.#listed.get(key)
    if (!entry) return
    const found = this.#trees.get(entry.type)!.again(entry.file)
    if (found) this.#found(found)
    else this.#gone(key)
    this.#wake()
  }

  /** Reads a listed package once more for what it requires and provides. */
  async relationsOf(entry: CatalogEntry): Promise<PackageRelations | undefined> {
    const found = this.#trees.get(entry.type)!.again(entry.file)
    if (!found || !sameIdentity(found.identity, entry.identity)) return undefined
    const fd = openSync(found.path, OPEN_FLAGS)
    try {
      const { readPackageFacts } = await reader()
      return (await readPackageFacts(found.type, found.fileName, fileBytes(fd, found.identity.size))).relations
    } catch (error) {
      if (isAboutContent(error)) return undefined
      throw error
    } finally {
      closeSync(fd)
    }
  }

  stop(): void {
    this.#stopped = true
    this.#watch.close()
    this.#wake()
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      await this.#turn()
      if (this.#stopped) return
      await this.#idle()
    }
  }

  async #turn(): Promise<void> {
    const refreshes = this.#refreshes
    this.#refreshes = []
    if (refreshes.length > 0 || performance.now() >= this.#nextScan) await this.#scanAll(refreshes)
    else {
      this.#lookAtWatched()
      if (performance.now() >= this.#nextPoll) await this.#poll()
    }
    await this.#lookAtSettled()
  }

  async #scanAll(refreshes: (() => void)[]): Promise<void> {
    this.#watch.takeChanges()
    for (const tree of this.#trees.values()) await this.#drain(tree.scan())
    this.#watchFolders()
    this.#nextScan = performance.now() + this.#options.rescanMs
    this.#events.scanned()
    this.#state.compact(key => this.isListed(key) || this.#problems.has(key))
    const keys = new Set([...this.#settling.keys(), ...this.#toRead.keys(), ...this.#reading])
    const done = () => {
      for (const refreshed of refreshes) refreshed()
    }
    if (keys.size === 0) done()
    else this.#scans.push({ keys, done })
  }

  /** Folders tell by their own time when names come or go, also where inotify does not work (NFS). */
  async #poll(): Promise<void> {
    const started = performance.now()
    for (const tree of this.#trees.values()) await this.#drain(tree.scanChanged())
    this.#watchFolders()
    const now = performance.now()
    // At most a twentieth of the time, however slow the file server is.
    this.#nextPoll = now + Math.max(this.#options.pollMs, 20 * (now - started))
  }

  #lookAtWatched(): void {
    for (const { type, folder, name } of this.#watch.takeChanges()) {
      const tree = this.#trees.get(type)!
      if (name !== undefined && this.#settling.has(keyOf({ type, file: folder === '' ? name : `${folder}/${name}` })))
        continue
      // What is more than one file's matter is left to the next poll.
      if (name === undefined || !tree.look(folder, name)) this.#nextPoll = 0
    }
  }

  async #lookAtSettled(): Promise<void> {
    let turn = performance.now()
    for (const found of this.#settling.takeDue(turn)) {
      const again = this.#trees.get(found.type)!.again(found.file)
      if (!again) this.#settled(keyOf(found))
      else if (sameIdentity(again.identity, found.identity)) this.#toRead.set(keyOf(again), again)
      else this.#changing(again)
      if (performance.now() - turn > TURN_MS) {
        await breath()
        turn = performance.now()
      }
    }
    this.#readMore()
  }

  #changing(found: FoundFile): void {
    this.#settled(keyOf(found))
    this.#settling.see(found, performance.now())
  }

  #readMore(): void {
    while (!this.#stopped && this.#reading.size < this.#options.concurrency) {
      const [first] = this.#toRead
      if (!first) return
      const [key, next] = first
      this.#toRead.delete(key)
      this.#reading.add(key)
      this.#events.reading(key, next.identity)
      this.#read(next)
        .catch((error: unknown) => this.#problem(key, problemOf(error)))
        .finally(() => {
          this.#reading.delete(key)
          this.#events.read(key)
          this.#settled(key)
          this.#readMore()
        })
    }
  }

  async #read(found: FoundFile): Promise<void> {
    const key = keyOf(found)
    const fd = openSync(found.path, OPEN_FLAGS)
    try {
      const isUnchanged = () => sameIdentity(identityOf(fstatSync(fd, { bigint: true })), found.identity)
      if (!isUnchanged()) return this.#settling.see(found, performance.now())
      const { identity } = found
      const { readPackageFacts } = await reader()
      const result = await readPackageFacts(found.type, found.fileName, fileBytes(fd, identity.size)).catch(
        (error: unknown) => ({ problem: problemOf(error), isOurs: isAboutContent(error) }),
      )
      if (!isUnchanged()) return this.#settling.see(found, performance.now())
      if ('problem' in result) {
        if (result.isOurs) this.#state.learn(key, { identity, problem: result.problem })
        this.#unlist(key)
        this.#problem(key, result.problem)
        return
      }
      this.#state.learn(key, { identity, facts: result.facts })
      const entry = this.#list(found, result.facts)
      if (result.relations) this.#events.relations(entry, result.relations)
    } finally {
      closeSync(fd)
    }
  }

  #found(found: FoundFile): void {
    const key = keyOf(found)
    if (this.#poisoned.get(key) === identityText(found.identity)) {
      this.#unlist(key)
      this.#problem(key, { code: 'crashes-reader', message: 'reading it ended the process that read it' })
      return
    }
    const known = this.#state.known(key)
    if (!known || !sameIdentity(known.identity, found.identity)) {
      if (!this.#reading.has(key) && !this.#toRead.has(key)) this.#settling.see(found, performance.now())
      return
    }
    this.#settling.drop(key)
    const listed = this.#listed.get(key)
    if (known.facts) {
      // An unchanged file may have another device number after a remount.
      if (!listed || listed.identity.dev !== found.identity.dev || !sameIdentity(listed.identity, found.identity)) {
        this.#list(found, known.facts)
      }
    } else {
      this.#unlist(key)
      this.#problem(key, known.problem)
    }
  }

  #list({ type, file, identity }: FoundFile, facts: Parameters<typeof entryOf>[3]): CatalogEntry {
    const entry = entryOf(type, file, identity, facts)
    const key = keyOf(entry)
    this.#listed.set(key, entry)
    this.#problem(key, undefined)
    this.#events.listed(entry)
    return entry
  }

  #unlist(key: string): void {
    if (this.#listed.delete(key)) this.#events.unlisted(key)
  }

  #gone(key: string): void {
    this.#unlist(key)
    this.#problem(key, undefined)
    this.#settling.drop(key)
    this.#toRead.delete(key)
    this.#settled(key)
  }

  /** Tells what is news only. */
  #problem(key: string, problem: Problem | undefined): void {
    const text = problem && `${problem.code} ${problem.message}`
    if (this.#problems.get(key) === text) return
    if (text === undefined) this.#problems.delete(key)
    else this.#problems.set(key, text)
    this.#events.problem(key, problem)
  }

  /** Whoever waits for it need not wait longer. */
  #settled(key: string): void {
    for (const scan of Array.from(this.#scans)) {
      if (!scan.keys.delete(key) || scan.keys.size > 0) continue
      this.#scans.splice(this.#scans.indexOf(scan), 1)
      scan.done()
    }
  }

  #watchFolders(): void {
    for (const [type, tree] of this.#trees) this.#watch.keep(type, tree.folders(), folder => tree.pathOf(folder))
  }

  async #drain(steps: Iterable<void>): Promise<void> {
    let turn = performance.now()
    for (const _ of steps) {
      if (this.#stopped) return
      if (performance.now() - turn < TURN_MS) continue
      await breath()
      turn = performance.now()
    }
  }

  #idle(): Promise<void> {
    const until = Math.min(this.#nextPoll, this.#nextScan, this.#settling.nextDue())
    return new Promise(resolve => {
      const timer = setTimeout(resolve, Math.max(0, until - performance.now()))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#stopped || this.#refreshes.length > 0 || this.#watch.hasChanges) this.#wake()
    })
  }
}

function problemOf(error: unknown): Problem {
  const { code, message } = error as { code?: unknown; message?: unknown }
  const isOurs = isAboutContent(error)
  return { code: isOurs ? String(code) : 'not-readable', message: String(message ?? error) }
}

/** Errors of the operating system may be gone the next time; what is wrong with the content stays wrong. */
function isAboutContent(error: unknown): boolean {
  return ['RpmError', 'DebError', 'LengthError', 'ContentError'].includes((error as Error | undefined)?.name ?? '')
}
