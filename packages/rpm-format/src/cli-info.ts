import { type ByteString, displayText } from './byte-string.ts'
import { parseCommand } from './cli-arguments.ts'
import { printable, writeLines } from './cli-output.ts'
import { withSource } from './cli-source.ts'
import type { FileInfo } from './files.ts'
import { formatNevra } from './nevra.ts'
import { type RpmPackage, readPackage } from './package.ts'
import { formatQueryValue } from './query-value-formats.ts'
import { signedParts } from './signed.ts'
import { Tag } from './tags.ts'
import { mapped } from './text-pieces.ts'

/** `rpm-format info`: what the headers say, as lines for people or one JSON object. */
export async function runInfo(args: string[]): Promise<number> {
  const { values, file } = parseCommand(args, { json: { type: 'boolean', default: false } })
  const facts = describe(await withSource(file, source => readPackage(source)))
  await writeLines(
    values.json ? [JSON.stringify(facts, null, 2)] : Object.entries(facts).map(([key, value]) => line(key, value)),
  )
  return 0
}

/** `rpm-format list`: a line per file, as `rpm -qlv` has them. */
export async function runList(args: string[]): Promise<number> {
  const { file } = parseCommand(args, {})
  const { files } = await withSource(file, source => readPackage(source))
  await writeLines(mapped(files, listLine))
  return 0
}

function describe(rpm: RpmPackage) {
  const { nevra, header, payload } = rpm
  const text = (tag: number) => optionalText(header.string(tag))
  return {
    nevra: displayText(formatNevra(nevra)),
    name: displayText(nevra.name),
    epoch: nevra.epoch,
    version: displayText(nevra.version),
    release: displayText(nevra.release),
    arch: displayText(nevra.arch),
    source: rpm.isSource,
    format: rpm.format,
    summary: text(Tag.SUMMARY),
    license: text(Tag.LICENSE),
    vendor: text(Tag.VENDOR),
    url: text(Tag.URL),
    buildTime: header.number(Tag.BUILDTIME),
    buildHost: text(Tag.BUILDHOST),
    sourceRpm: text(Tag.SOURCERPM),
    files: rpm.files.length,
    scriptlets: rpm.scriptlets.map(({ slot, argv }) => `${slot}: ${displayText(argv.join(' '))}`),
    triggers: rpm.triggers.map(({ kind, type, conditions }) => {
      const names = conditions.map(({ name, operator, version }) => `${name} ${operator} ${version}`.trim())
      return `${kind} ${type}: ${displayText(names.join(', '))}`
    }),
    payload: {
      format: displayText(payload.format),
      compressor: optionalText(payload.compressor),
      coverage: payload.coverage,
      offset: payload.offset,
    },
    signed: signedParts(rpm),
    warnings: rpm.warnings.map(({ code, message }) => `${code}: ${message}`),
    description: text(Tag.DESCRIPTION),
  }
}

function optionalText(bytes: ByteString | undefined): string | undefined {
  return bytes === undefined ? undefined : displayText(bytes)
}

function line(key: string, value: unknown): string {
  const shown = typeof value === 'string' ? value : (JSON.stringify(value) ?? '-')
  return `${key}: ${printable(shown)}`
}

const typeBits = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  'character-device': 0o020000,
  'block-device': 0o060000,
  fifo: 0o010000,
  socket: 0o140000,
}

function listLine({ type, mode, owner, group, size, device, mtime, path, linkTarget }: FileInfo): string {
  const permissions = formatQueryValue('perms', [typeBits[type] | mode], 0, 'FILEMODES')
  const measure = device ? `${device.major},${device.minor}` : String(size)
  const time = new Date(mtime * 1000).toISOString().slice(0, 16).replace('T', ' ')
  const link = type === 'symlink' ? ` -> ${linkTarget}` : ''
  const owners = displayText(`${owner} ${group}`)
  return `${permissions} ${printable(owners)} ${measure.padStart(10)} ${time} ${printable(displayText(path + link))}`
}
