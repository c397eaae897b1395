import type { CatalogEntry, PackageType } from '../catalog/entry.ts'

export interface PlanRequest {
  /** What the node installs. TARs are planned from RPMs, except where an admin's TAR has the name. */
  type: PackageType
  /** Names as for downloads: file name, NEVRA, NVR or name. */
  packages: readonly string[]
  /** The node's machine, any alias. */
  arch?: string | undefined
  /** Used where `arch` is not given. */
  defaultArch?: string | undefined
}

/** One file to install. */
export interface PlanRow {
  type: PackageType
  name: string
  /** `[epoch:]version[-release]` */
  version: string
  arch: string
  /** The last part of its download address: names this very file. */
  file: string
  /** Bytes; undefined for a TAR that is first to be made from its RPM. */
  size: number | undefined
  /** Asked for by name, not only required by another. */
  requested: boolean
  /** Needed only on a node that has this already (`foo-selinux if selinux-policy-targeted`); undefined: always. */
  when: string | undefined
  /** What to read or to convert. */
  entry: CatalogEntry
}

export interface Unresolved {
  /** As the package says: `libfoo.so.1()(64bit)`, `bar >= 2`, `a | b`. */
  requirement: string
  /** NEVRA of the package that requires it. */
  requiredBy: string
  /**
   * - `not-offered`  nothing in the catalog provides it: the node's own system must
   * - `node-system`  left to the node on purpose: a base system (libc, shell, …) is not exchanged for a package's sake
   * - `conflict`     what provides it cannot be installed together with the rest
   */
  reason: 'not-offered' | 'node-system' | 'conflict'
}

export interface Plan {
  type: PackageType
  /** Canonical; '' where the request named none and no package decides it. */
  arch: string
  /** In order of installation: what others require comes first. */
  rows: PlanRow[]
  /** Requested names that the catalog does not offer for that machine. */
  missing: string[]
  unresolved: Unresolved[]
}
