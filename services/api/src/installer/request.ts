import { Problem } from '../http/problem.ts'
import type { PackageType } from '../ports.ts'
import { ARCHES, type Arch, canonicalName, OSES, type Os, PKGS, UNKNOWN } from './choices.ts'

/** A feature of the node: what was written, and the table's word for it. `absent`: nobody looked. */
export type Feature<K> = { state: 'known'; value: K } | { state: 'unknown' | 'absent' }

export interface InstallerRequest {
  arch: Feature<Arch>
  os: Feature<Os>
  pkg: Feature<PackageType>
  /** Somebody insists on `pkg`; otherwise it is what was found on the node. */
  pkgAsked: boolean
  /** The node was looked at already (POST): whatever is unknown stays unknown. */
  detected: boolean
  /** The node looked for rpm and dpkg, and neither works. */
  noPackageSystem: boolean
  /** Named by the request; `undefined`: the head node's own list. */
  packages: readonly string[] | undefined
}

type Fields = Readonly<Record<string, string | undefined>>

/** A GET's parameters: all of them are what the caller wants. */
export function fromQuery(query: Fields): InstallerRequest {
  return {
    arch: feature(ARCHES, query.arch),
    os: feature(OSES, query.os),
    pkg: feature(PKGS, query.pkg),
    pkgAsked: true,
    detected: false,
    noPackageSystem: false,
    packages: packageNames(query.packages),
  }
}

/** A POST's fields: facts that a script found, and (`asked_…`) what somebody fixed before it looked. */
export function fromFacts(form: Fields): InstallerRequest {
  const askedPkg = feature(PKGS, form.asked_pkg)
  return {
    arch: firstKnown(feature(ARCHES, form.arch), feature(ARCHES, form.asked_arch)),
    os: firstKnown(feature(OSES, form.asked_os), feature(OSES, form.os)),
    pkg: firstKnown(askedPkg, feature(PKGS, form.pkg)),
    pkgAsked: askedPkg.state === 'known',
    detected: true,
    noPackageSystem: looked(form.rpm) && looked(form.dpkg),
    packages: packageNames(form.packages),
  }
}

function looked(state: string | undefined): boolean {
  return state !== undefined && state !== '' && state !== 'works'
}

function feature<K extends string>(table: Parameters<typeof canonicalName<K>>[0], written = ''): Feature<K> {
  if (written.trim() === '') return { state: 'absent' }
  const value = canonicalName(table, written)
  return value === undefined ? { state: 'unknown' } : { state: 'known', value }
}

function firstKnown<K>(first: Feature<K>, second: Feature<K>): Feature<K> {
  return first.state === 'known' ? first : second
}

export function word(feature: Feature<string>): string {
  return feature.state === 'known' ? feature.value : UNKNOWN
}

const PACKAGE_NAME = /^[A-Za-z0-9][A-Za-z0-9._+~:^@=-]{0,199}$/
export const MOST_PACKAGES = 200

/** What a plan can be asked for. */
export function isPackageList(names: readonly string[]): boolean {
  return names.length > 0 && names.length <= MOST_PACKAGES && names.every(name => PACKAGE_NAME.test(name))
}

/** Names separated by commas or blanks; throws a Problem for what is none. */
export function packageNames(written: string | undefined): string[] | undefined {
  const names = [...new Set((written ?? '').split(/[\s,;]+/).filter(Boolean))]
  if (names.length === 0) return undefined
  const bad = names.find(name => !PACKAGE_NAME.test(name))
  if (bad !== undefined || names.length > MOST_PACKAGES) {
    throw new Problem({
      status: 400,
      code: 'bad-package-name',
      title: 'packages= is no list of package names',
      detail:
        bad === undefined
          ? `At most ${MOST_PACKAGES} packages can be asked for at once.`
          : `${JSON.stringify(bad.slice(0, 60))} is no package name; names are separated by commas.`,
    })
  }
  return names
}
