import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { madeOnce } from '../made-once.ts'
import { INSTALLERS, type InstallerName } from './choices.ts'
import { tablesPart } from './tables-part.ts'

const INSTALLERS_FOLDER = join(import.meta.dirname, '../../installers')
const PARTS_LINE = /^# parts: ([a-z0-9 -]+)$/
const MAIN_LINE = 'main "$@"'

/** Our own scripts, joined from their parts: what stands between the served block and the last line. Read once. */
export class ScriptSources {
  readonly #folder: string
  readonly #bodies = new Map<string, Promise<string>>()

  constructor(folder = INSTALLERS_FOLDER) {
    this.#folder = folder
  }

  body(installer: InstallerName): Promise<string> {
    const { file } = INSTALLERS[installer]
    return madeOnce(this.#bodies, file, () => joined(this.#folder, file))
  }
}

async function joined(folder: string, file: string): Promise<string> {
  const lines = (await readFile(join(folder, file), 'utf8')).trimEnd().split('\n')
  const parts = PARTS_LINE.exec(lines[1] ?? '')?.[1]?.split(' ')
  if (lines[0] !== '#!/bin/sh' || parts === undefined || lines.at(-1) !== MAIN_LINE) {
    throw new Error(
      `${join(folder, file)}: needs #!/bin/sh, "# parts: …" as its second and ${MAIN_LINE} as its last line`,
    )
  }
  const texts = await Promise.all(parts.map(part => partText(folder, part)))
  return [...texts, lines.slice(2, -1).join('\n')].map(text => `${text.trim()}\n`).join('\n')
}

async function partText(folder: string, part: string): Promise<string> {
  if (part === 'tables') return tablesPart()
  const text = await readFile(join(folder, 'parts', `${part}.sh`), 'utf8')
  return text.replace(/^# shellcheck shell=sh\n/, '')
}
