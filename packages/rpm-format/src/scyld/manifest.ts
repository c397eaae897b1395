import { type ByteString, displayText, isValidUtf8 } from '../byte-string.ts'
import { dependencyKinds, eachDependency } from '../dependencies.ts'
import type { Strength } from '../digest-algorithms.ts'
import type { Warning } from '../errors.ts'
import { FileFlag } from '../files.ts'
import { formatNevra } from '../nevra.ts'
import type { RpmPackage } from '../package.ts'
import type { SysusersLine } from '../sysusers.ts'
import { Tag } from '../tags.ts'
import { mapped } from '../text-pieces.ts'
import type { Signed } from '../verify.ts'
import { type FileRow, fourOctalDigits } from './file-rows.ts'
import type { PreparedScripts, Script } from './scripts.ts'
import { headerSha256, LAYOUT_VERSION, senseWordsOf } from './tables.ts'
import type { UnitRow } from './units.ts'

export interface ManifestFacts {
  readonly rpm: RpmPackage
  readonly home: ByteString
  readonly checked: Strength
  readonly signed: Signed
  readonly rows: Iterable<FileRow>
  readonly scripts: PreparedScripts
  readonly units: readonly UnitRow[]
  readonly users: readonly SysusersLine[]
  readonly warnings: readonly Warning[]
}

/** pkg/meta/manifest.json, a line for each element of its arrays. */
export function* manifest(facts: ManifestFacts): Generator<string> {
  const { rpm, rows, scripts, units, users, warnings } = facts
  yield `{"layout":${LAYOUT_VERSION},\n"package":${JSON.stringify(packageFacts(facts))},\n`
  yield `"checked":"${facts.checked}","signed":"${facts.signed}",\n`
  yield* array(
    'warnings',
    warnings.map(warning => textual(warning)),
  )
  yield* array(
    'scripts',
    scripts.scriptlets.map(script => ({ slot: script.source.slot, ...scriptFacts(script) })),
  )
  yield* array(
    'triggers',
    scripts.triggers.map(trigger => {
      const { kind, type, priority, conditions } = trigger.source
      return {
        number: trigger.number,
        kind,
        type,
        priority,
        conditions: conditions.map(textual),
        ...scriptFacts(trigger),
      }
    }),
  )
  yield* array('units', units.map(textual))
  yield* array('users', users.map(textual))
  yield '"dependencies":{\n'
  for (const kind of dependencyKinds) {
    const dependencies = eachDependency(rpm.header, kind)
    const facts = mapped(dependencies, ({ flags, ...rest }) => ({ ...textual(rest), flags: senseWordsOf(flags) }))
    yield* array(kind, facts, kind === 'order' ? '},\n' : ',\n')
  }
  yield* array('files', mapped(rows, fileFacts), '}\n')
}

function* array(key: string, elements: Iterable<unknown>, end = ',\n'): Generator<string> {
  yield `"${key}":[`
  let separator = '\n'
  for (const element of elements) {
    yield separator + JSON.stringify(element)
    separator = ',\n'
  }
  yield `${separator === '\n' ? '' : '\n'}]${end}`
}

function packageFacts({ rpm, home }: ManifestFacts) {
  const { nevra, header } = rpm
  return {
    ...textual({ ...nevra, nevra: formatNevra(nevra), home }),
    source: rpm.isSource,
    format: rpm.format,
    headerSha256: headerSha256(rpm),
    ...textual({
      summary: header.string(Tag.SUMMARY),
      description: header.string(Tag.DESCRIPTION),
      license: header.string(Tag.LICENSE),
      url: header.string(Tag.URL),
      vendor: header.string(Tag.VENDOR),
      group: header.string(Tag.GROUP),
      buildTime: header.number(Tag.BUILDTIME),
      buildHost: header.string(Tag.BUILDHOST),
      sourceRpm: header.string(Tag.SOURCERPM),
    }),
    prefixes: (header.strings(Tag.PREFIXES) ?? []).map(text),
  }
}

function scriptFacts({ source, file, notes, critical }: Script) {
  const { argv, expand, qformat } = source
  return { argv: argv.map(text), file, expand, qformat, critical, notes }
}

const flagNames = Object.entries(FileFlag).map(([name, bit]) => [name.toLowerCase(), bit] as const)

function fileFacts({ file, metadata, src, size, sha256, set }: FileRow) {
  return {
    path: text(file.path),
    src: src === undefined ? undefined : text(src),
    type: file.type,
    mode: fourOctalDigits(metadata.mode),
    owner: text(metadata.owner),
    group: text(metadata.group),
    flags: flagNames.filter(([, bit]) => file.flags & bit).map(([name]) => name),
    size,
    mtime: metadata.mtime,
    sha256,
    linkTarget: file.type === 'symlink' ? text(file.linkTarget) : undefined,
    device: file.device,
    capabilities: metadata.capabilities || undefined,
    ima: metadata.imaSignature || undefined,
    hardlinkSet: set,
    lang: file.lang ? text(file.lang) : undefined,
    color: file.color || undefined,
  }
}

/** Bytes as JSON: text, and beside it the bytes themselves where they are no UTF-8. */
function text(bytes: ByteString): string | { text: string; base64: string } {
  if (isValidUtf8(bytes)) return displayText(bytes)
  return { text: displayText(bytes), base64: Buffer.from(bytes, 'latin1').toString('base64') }
}

function textual(object: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, typeof value === 'string' ? text(value) : value]),
  )
}
