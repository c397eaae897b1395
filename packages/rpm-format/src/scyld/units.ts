import { type ByteString, quoted } from '../byte-string.ts'
import { type Warning, warn } from '../errors.ts'
import { templateOf, unitAt, unitsNamedBy } from '../units.ts'
import type { PreparedScripts } from './scripts.ts'

export interface UnitRow {
  readonly unit: ByteString
  readonly why: 'enable' | 'preset' | 'payload'
  readonly hasInstall: boolean
  readonly path: ByteString | undefined
}

/** A unit file that passed by in the payload; links to units count as files without an [Install] section. */
export class UnitFiles {
  readonly #files = new Map<ByteString, { path: ByteString; hasInstall: boolean; isLink: boolean }>()

  /** Without `file`, a link. */
  add(path: ByteString, file: { hasInstall: boolean } | undefined): void {
    const unit = unitAt(path)
    if (unit === undefined) return
    this.#files.set(unit, { path, hasInstall: file?.hasInstall ?? false, isLink: file === undefined })
  }

  rows(scripts: PreparedScripts, warnings: Warning[]): UnitRow[] {
    const rows = new Map<ByteString, UnitRow>()
    const add = (unit: ByteString, why: UnitRow['why']) => {
      const file = this.#files.get(unit) ?? this.#files.get(templateOf(unit) ?? '')
      rows.set(unit, { unit, why, hasInstall: file?.hasInstall ?? false, path: file?.path })
    }
    for (const [unit, file] of this.#files) if (!file.isLink) add(unit, 'payload')
    const named = this.#named(scripts, warnings)
    for (const wanted of ['preset', 'enable'] as const) {
      for (const { unit, why } of named) if (why === wanted) add(unit, why)
    }
    return [...rows.values()].sort((a, b) => (a.unit < b.unit ? -1 : 1))
  }

  #named({ scriptlets }: PreparedScripts, warnings: Warning[]) {
    return scriptlets.flatMap(({ source, body, notes, file }) => {
      // Shell that runs on installation; what enables units while others are removed is not for us.
      if (!['pretrans', 'pre', 'post', 'posttrans'].includes(source.slot) || notes.includes('lua')) return []
      const { units, unclear } = unitsNamedBy(body ?? '')
      for (const word of unclear) {
        warn(warnings, { code: 'unclear-unit', message: `${file}: enables ${quoted(word)}, which is no unit's name` })
      }
      return units
    })
  }
}
