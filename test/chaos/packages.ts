import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compress, rpmToTar } from 'rpm-format'
import { buildRpms } from '../support/rpmbuild.ts'

export type Format = 'tar.gz' | 'tar.zst' | 'tar'
const COMPRESSION = {
  'tar.gz': { format: 'gzip', level: 3 },
  'tar.zst': { format: 'zstd', level: 2 },
  tar: { format: 'none' },
} as const

/** Old versions may be answered for so long after a file changed: a file has to rest before it is offered. */
const SLACK_MS = 20_000

/** A package of the chaos, of which two versions take turns under one file name. */
export class Package {
  readonly name: string
  readonly file: string
  readonly versions: readonly string[]
  #history: { at: number; version: number | undefined }[] = []
  #expected = new Map<string, Promise<string>>()

  constructor(name: string, file: string, versions: readonly string[]) {
    this.name = name
    this.file = file
    this.versions = versions
  }

  /** The version in place, or undefined while the file is not whole. */
  get current(): number | undefined {
    return this.#history.at(-1)?.version
  }

  place(version: number): void {
    const part = `${this.file}.part`
    copyFileSync(this.#path(version), part)
    renameSync(part, this.file)
    this.#note(version)
  }

  remove(): void {
    rmSync(this.file, { force: true })
    this.#note(undefined)
  }

  /** Half of the file written over what is there, as `cp` does it. */
  placeHalf(version: number): void {
    const bytes = readFileSync(this.#path(version))
    writeFileSync(this.file, bytes.subarray(0, bytes.length >> 1))
    this.#note(undefined)
  }

  /** The rest of it; the same inode. */
  placeWhole(version: number): void {
    writeFileSync(this.file, readFileSync(this.#path(version)))
    this.#note(version)
  }

  /** Whether a body may be the answer to a request of that time: the TAR of a version that was in place then. */
  async isRight(sha256: string, format: Format, from: number, to: number): Promise<boolean> {
    for (const version of this.#versionsBetween(from - SLACK_MS, to)) {
      if ((await this.#tar(version, format)) === sha256) return true
    }
    return false
  }

  #versionsBetween(from: number, to: number): Set<number> {
    const versions = new Set<number>()
    for (const [i, { at, version }] of this.#history.entries()) {
      const until = this.#history[i + 1]?.at ?? Number.POSITIVE_INFINITY
      if (version !== undefined && at <= to && until >= from) versions.add(version)
    }
    return versions
  }

  #tar(version: number, format: Format): Promise<string> {
    const key = `${version} ${format}`
    const made = this.#expected.get(key) ?? hashOf(this.#path(version), format)
    this.#expected.set(key, made)
    return made
  }

  #path(version: number): string {
    const path = this.versions[version]
    if (path === undefined) throw new Error(`${this.name} has no version ${version}`)
    return path
  }

  #note(version: number | undefined): void {
    this.#history.push({ at: performance.now(), version })
  }
}

/** Most are small, some take a second to convert. */
export function buildPackages(folder: string, rpms: string, count: number): Package[] {
  const names = Array.from({ length: count }, (_, i) => `chaos-${i}`)
  const size = (i: number): number => (i % 6 === 5 ? 20_000_000 : i % 3 === 2 ? 2_000_000 : 50_000)
  const versions = ['1.0', '2.0'].map(version =>
    buildRpms(
      join(folder, version),
      names.map((name, i) => ({ name, version, size: size(i) })),
    ),
  )
  return names.map((name, i) => {
    const files = versions.map(built => built[i] ?? '')
    return new Package(name, join(rpms, `${name}.rpm`), files)
  })
}

async function hashOf(rpm: string, format: Format): Promise<string> {
  const hash = createHash('sha256')
  const tar = rpmToTar(readFileSync(rpm), { layout: 'scyld' })
  for await (const chunk of compress(tar, COMPRESSION[format])) hash.update(chunk)
  return hash.digest('hex')
}
