import { compareVersions } from '../versions.ts'
import { archMatches, canonicalArch } from './arch.ts'
import { type Spelling, spellingOf } from './edit-distance.ts'
import { type CatalogEntry, evrText, keyOf, type PackageType } from './entry.ts'

export interface ResolveOptions {
  /** Only packages for this machine; any alias. */
  arch?: string | undefined
  /** Preferred where `arch` is not given. */
  defaultArch?: string | undefined
}

const EXTENSIONS: Readonly<Record<PackageType, readonly string[]>> = {
  rpm: ['.rpm'],
  deb: ['.deb'],
  tar: ['.tar.gz', '.tgz', '.tar.zst', '.tar.xz', '.tar.bz2', '.tar'],
}

/** The packages of one type, found by what a node may call them. */
export class NameIndex {
  readonly #type: PackageType
  readonly #byFileName = new Map<string, CatalogEntry[]>()
  /** Source packages are not in here: they answer to their file name only. */
  readonly #byName = new Map<string, CatalogEntry[]>()
  readonly #spellings = new Map<string, Spelling>()

  constructor(type: PackageType) {
    this.#type = type
  }

  add(entry: CatalogEntry): void {
    append(this.#byFileName, entry.fileName, entry)
    if (entry.isSource) return
    append(this.#byName, entry.name, entry)
    if (!this.#spellings.has(entry.name)) this.#spellings.set(entry.name, spellingOf(entry.name))
  }

  remove(entry: CatalogEntry): void {
    drop(this.#byFileName, entry.fileName, entry)
    if (entry.isSource) return
    drop(this.#byName, entry.name, entry)
    if (!this.#byName.has(entry.name)) this.#spellings.delete(entry.name)
  }

  spellings(): Iterable<readonly [name: string, spelling: Spelling]> {
    return this.#spellings
  }

  named(name: string): readonly CatalogEntry[] {
    return this.#byName.get(name) ?? []
  }

  /** By file name, NEVRA or NVRA, NEVR or NVR, name, name.arch, name-version; the first of these that fits decides. */
  resolve(asked: string, options: ResolveOptions): CatalogEntry | undefined {
    const files = this.#byFileName.get(asked)
    const exact = files && this.#choose(files, options)
    if (exact) return exact
    const found = this.#byParts(asked, options)
    if (found) return found
    const extension = EXTENSIONS[this.#type].find(suffix => asked.endsWith(suffix))
    return extension === undefined ? undefined : this.#byParts(asked.slice(0, -extension.length), options)
  }

  #byParts(asked: string, options: ResolveOptions): CatalogEntry | undefined {
    for (const form of [fullForm, versionForm]) {
      const found = this.#choose(this.#split(asked, form), options)
      if (found) return found
    }
    const named = this.#choose(this.named(asked), options)
    if (named) return named
    for (const form of [archForm, shortForm]) {
      const found = this.#choose(this.#split(asked, form), options)
      if (found) return found
    }
    return undefined
  }

  /** A name may contain what separates it from the version: every place is tried. */
  #split(asked: string, form: Form): CatalogEntry[] {
    const found: CatalogEntry[] = []
    for (let at = 1; at < asked.length - 1; at++) {
      if (!form.separators.includes(asked[at]!)) continue
      const rest = asked.slice(at + 1)
      for (const entry of this.named(asked.slice(0, at))) {
        if (form.texts(entry).includes(rest)) found.push(entry)
      }
    }
    return found
  }

  #choose(candidates: readonly CatalogEntry[], { arch, defaultArch }: ResolveOptions): CatalogEntry | undefined {
    const wanted = arch ?? defaultArch
    const fitting =
      wanted === undefined ? candidates : candidates.filter(entry => entry.isSource || archMatches(entry.arch, wanted))
    // An arch that was asked for filters; the default one only prefers.
    const eligible = fitting.length === 0 && arch === undefined ? candidates : fitting
    let best: CatalogEntry | undefined
    for (const entry of eligible) {
      if (!best || comparePreference(entry, best) < 0) best = entry
    }
    return best
  }
}

/** Negative when `a` is served rather than `b`: newest, own arch before noarch, then what lies less deep, then by path. */
export function comparePreference(a: CatalogEntry, b: CatalogEntry): number {
  return (
    compareVersions(a.type, b, a) ||
    compareArch(a, b) ||
    depth(a) - depth(b) ||
    (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0)
  )
}

function compareArch(a: CatalogEntry, b: CatalogEntry): number {
  const left = canonicalArch(a.arch)
  const right = canonicalArch(b.arch)
  if (left === right) return 0
  if (left === 'noarch') return 1
  if (right === 'noarch') return -1
  // Machines of the most common kind are meant where nobody said which.
  if (left === 'x86_64') return -1
  if (right === 'x86_64') return 1
  return left < right ? -1 : 1
}

function depth({ file }: CatalogEntry): number {
  return file.split('/').length
}

interface Form {
  /** What may stand between the name and the rest: `-` everywhere, `_` and `=` as Debian's tools have it. */
  readonly separators: string
  texts(entry: CatalogEntry): readonly string[]
}

const fullForm: Form = {
  separators: '-_',
  texts: entry => versionTexts(entry).flatMap(version => [`${version}.${entry.arch}`, `${version}_${entry.arch}`]),
}

const versionForm: Form = { separators: '-_=', texts: versionTexts }

const archForm: Form = { separators: '.:', texts: ({ arch }) => [arch] }

const shortForm: Form = {
  separators: '-_=',
  texts: ({ version, epoch }) => (version === '' ? [] : [version, `${epoch ?? 0}:${version}`]),
}

/** With the epoch and without. */
function versionTexts(entry: CatalogEntry): string[] {
  if (entry.version === '') return []
  return [evrText({ ...entry, epoch: undefined }), evrText({ ...entry, epoch: entry.epoch ?? 0 })]
}

function append(map: Map<string, CatalogEntry[]>, key: string, entry: CatalogEntry): void {
  const list = map.get(key)
  if (list) list.push(entry)
  else map.set(key, [entry])
}

function drop(map: Map<string, CatalogEntry[]>, key: string, entry: CatalogEntry): void {
  const rest = (map.get(key) ?? []).filter(other => keyOf(other) !== keyOf(entry))
  if (rest.length === 0) map.delete(key)
  else map.set(key, rest)
}
