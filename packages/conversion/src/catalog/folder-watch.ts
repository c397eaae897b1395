import { type FSWatcher, watch } from 'node:fs'
import type { PackageType } from './entry.ts'

export interface Change {
  type: PackageType
  folder: string
  /** undefined: something in the folder. */
  name: string | undefined
}

/** inotify's watches are few on some machines; polling covers the rest. */
const MOST_WATCHED = 1000
/** One copied file makes thousands of events. */
const GATHER_MS = 50
const MOST_CHANGES = 1000

/** fs.watch over many folders, where it works: a wake-up call, never the only source. */
export class FolderWatch {
  readonly #onChange: () => void
  readonly #watchers = new Map<string, FSWatcher>()
  #changes = new Map<string, Change>()
  #timer: NodeJS.Timeout | undefined
  #refused = false

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  get hasChanges(): boolean {
    return this.#changes.size > 0 && this.#timer === undefined
  }

  takeChanges(): Iterable<Change> {
    const changes = this.#changes.values()
    this.#changes = new Map()
    return changes
  }

  /** Watches these folders of a type and no others. */
  keep(type: PackageType, folders: Iterable<string>, pathOf: (folder: string) => string): void {
    const wanted = new Map([...folders].map(folder => [`${type}/${folder}`, folder]))
    for (const key of this.#watchers.keys()) if (key.startsWith(`${type}/`) && !wanted.has(key)) this.#drop(key)
    for (const [key, folder] of wanted) {
      if (this.#refused || this.#watchers.size >= MOST_WATCHED) return
      if (!this.#watchers.has(key)) this.#add(key, pathOf(folder), { type, folder })
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const key of this.#watchers.keys()) this.#drop(key)
  }

  #add(key: string, path: string, of: { type: PackageType; folder: string }): void {
    try {
      const watcher = watch(path, { persistent: false }, (_event, name) =>
        this.#changed({ ...of, name: name ?? undefined }),
      )
      watcher.on('error', () => this.#drop(key))
      this.#watchers.set(key, watcher)
    } catch (error) {
      // No more watches to be had: what is not watched is polled. A folder that has just gone is no reason to stop.
      this.#refused = (error as NodeJS.ErrnoException).code !== 'ENOENT'
    }
  }

  #changed(change: Change): void {
    if (this.#changes.size < MOST_CHANGES) {
      this.#changes.set(`${change.type}/${change.folder}\0${change.name ?? ''}`, change)
    } else {
      this.#changes.set(`${change.type}/${change.folder}`, { ...change, name: undefined })
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#onChange()
    }, GATHER_MS)
  }

  #drop(key: string): void {
    this.#watchers.get(key)?.close()
    this.#watchers.delete(key)
  }
}
