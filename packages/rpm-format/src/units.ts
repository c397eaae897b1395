import type { ByteString } from './byte-string.ts'

export interface NamedUnit {
  readonly unit: ByteString
  readonly why: 'enable' | 'preset'
}

const unitType = /\.(?:service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/
const unitFolder = /^\/(?:usr\/(?:local\/)?lib|lib|etc)\/systemd\/system\/([^/]+)$/

/** The unit that a file at this path defines, undefined where it defines none. */
export function unitAt(path: ByteString): ByteString | undefined {
  const name = unitFolder.exec(path)?.[1]
  return name !== undefined && unitType.test(name) ? name : undefined
}

export function hasInstallSection(unitFile: ByteString): boolean {
  return /^[ \t]*\[Install\][ \t]*\r?$/m.test(unitFile)
}

/** `a@.service` for `a@b.service`: where an instance is defined. */
export function templateOf(unit: ByteString): ByteString | undefined {
  const match = /^([^@]+@)[^@]+(\.[a-z]+)$/.exec(unit)
  return match ? `${match[1]}${match[2]}` : undefined
}

const command =
  /(?:^|[\s;&|({"'`!])(?:[\w./-]*\/)?(?:systemctl((?:\s+-\S+)*)\s+(enable|reenable|preset)|systemd-update-helper\s+(install-system-units)|%\{?(systemd_post))(?=[\s}])([^\n;&|<>)`]*)/g

/**
 * The system units that a shell scriptlet enables, or leaves to the presets: direct calls of systemctl, and both expansions of rpm's
 * %systemd_post. `unclear` holds words that are no unit names, such as variables.
 */
export function unitsNamedBy(script: ByteString): { units: NamedUnit[]; unclear: ByteString[] } {
  const units: NamedUnit[] = []
  const unclear: ByteString[] = []
  const lines = script.replace(/\\\n/g, ' ').replace(/^[ \t]*#.*$/gm, '')
  for (const [, options = '', verb, , , tail = ''] of lines.matchAll(command)) {
    // `2>&1` is cut before its `>`.
    const words = tail.replace(/\s\d$/, ' ').match(/[^\s"'}]+/g) ?? []
    if (/\s--(?:user|global)\b/.test(`${options} ${words.join(' ')}`)) continue
    for (const word of words) {
      if (word.startsWith('-')) continue
      if (!/^[\w:.\\@-]+$/.test(word)) unclear.push(word)
      else
        units.push({
          unit: unitType.test(word) ? word : `${word}.service`,
          why: verb?.endsWith('enable') ? 'enable' : 'preset',
        })
    }
  }
  return { units, unclear }
}
