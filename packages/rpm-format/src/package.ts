import { ByteReader } from './byte-reader.ts'
import type { ByteString } from './byte-string.ts'
import { checkDependencies, type Dependency, type DependencyKind, readDependencies } from './dependencies.ts'
import type { Strength } from './digest-algorithms.ts'
import { RpmError, type Warning } from './errors.ts'
import type { FileTable } from './files.ts'
import { checkMembers, type Header, parseHeader } from './header.ts'
import { checkHeaderDigests } from './header-digests.ts'
import { type HeaderKind, introSize, parseIntro } from './header-index.ts'
import { checkMagic, type Lead, leadSize, parseLead } from './lead.ts'
import { limitsOf, type ReadOptions } from './limits.ts'
import type { Nevra } from './nevra.ts'
import { payloadDigests } from './payload-digests.ts'
import { readFiles } from './read-files.ts'
import { readScriptlets, type Scriptlet } from './scriptlets.ts'
import { chunksOf, type Source } from './source.ts'
import { Tag } from './tags.ts'
import { readTriggers, type Trigger } from './triggers.ts'

export interface RpmPackage {
  readonly lead: Lead
  readonly signature: Header
  readonly header: Header
  readonly format: 3 | 4 | 6
  readonly nevra: Nevra
  readonly isSource: boolean
  readonly payload: {
    /** Bytes before the payload. */
    readonly offset: number
    /** PAYLOADFORMAT, 'cpio' where absent. */
    readonly format: ByteString
    /** PAYLOADCOMPRESSOR as the header names it; the payload's magic decides. */
    readonly compressor: ByteString | undefined
    /** The strongest digest in the headers that covers the payload. */
    readonly coverage: Strength
  }
  readonly files: FileTable
  readonly scriptlets: readonly Scriptlet[]
  readonly triggers: readonly Trigger[]
  dependencies(kind: DependencyKind): readonly Dependency[]
  readonly warnings: readonly Warning[]
}

/** Lead, signature header and main header, checked against the header's digests. The payload is left unread. */
export async function readPackage(source: Source, options: ReadOptions = {}): Promise<RpmPackage> {
  const reader = sourceReader(source, options)
  try {
    return await readHeaders(reader, options)
  } finally {
    await reader.close()
  }
}

export function sourceReader(source: Source, options: ReadOptions): ByteReader {
  return new ByteReader(
    chunksOf(source, options),
    (position, what) =>
      new RpmError('truncated-header', `the file ends at byte ${position}, within the ${what}`, { offset: position }),
  )
}

export interface HeaderOptions extends ReadOptions {
  /** Leave comparing the header's digests to the caller, who reports on them. */
  reportHeaderDigests?: boolean
}

/** Honest packages have one or two. */
const mostPrefixes = 1000

/** When this returns, the reader stands at the first byte of the payload. */
export async function readHeaders(reader: ByteReader, options: HeaderOptions): Promise<RpmPackage> {
  const lead = await readLead(reader)
  const signature = await readSignature(reader)
  const header = await readMain(reader, signature, options)
  return describe(lead, signature, header, reader.position, options)
}

async function readLead(reader: ByteReader): Promise<Lead> {
  checkMagic(await reader.peek(8))
  return parseLead(await reader.read(leadSize, 'lead'))
}

async function readSignature(reader: ByteReader): Promise<Header> {
  const offset = reader.position
  const bytes = await readContainer(reader, 'signature')
  const header = parseHeader(bytes, offset, 'signature')
  const dataLength = bytes.readUInt32BE(12)
  const padding = await reader.read((8 - (dataLength % 8)) % 8, "signature header's padding")
  if (padding.some(byte => byte !== 0)) {
    throw new RpmError('malformed-header', 'the padding of the signature header is not zero', {
      offset: reader.position - padding.length,
    })
  }
  return header
}

/** Intro, index and data in one buffer of their own: a package outlives the chunk that its header came in. */
async function readContainer(reader: ByteReader, kind: HeaderKind, dataLimit?: number): Promise<Buffer> {
  const intro = await reader.peek(introSize)
  if (intro.length < introSize) return reader.read(introSize, `intro of the ${kind} header`)
  const { indexLength, dataLength } = parseIntro(intro, reader.position, kind, dataLimit)
  const size = introSize + indexLength * 16 + dataLength
  const bytes = reader.tryRead(size)
  return bytes ? Buffer.from(bytes) : reader.read(size, `${kind} header`)
}

async function readMain(reader: ByteReader, signature: Header, options: HeaderOptions): Promise<Header> {
  const offset = reader.position
  const bytes = await readContainer(reader, 'main', limitsOf(options).headerData)
  if (!options.reportHeaderDigests) checkHeaderDigests(bytes, offset, signature)
  try {
    return parseHeader(bytes, offset, 'main', limitsOf(options).text)
  } catch (error) {
    // What cannot even be parsed is called by its cause.
    checkHeaderDigests(bytes, offset, signature)
    throw error
  }
}

function describe(
  lead: Lead,
  signature: Header,
  header: Header,
  payloadOffset: number,
  options: ReadOptions,
): RpmPackage {
  if (header.string(Tag.PAYLOADFORMAT) === 'drpm') {
    throw new RpmError('delta-rpm', 'a delta RPM: it cannot be unpacked without the old RPM', { offset: payloadOffset })
  }
  checkDependencies(header, options)
  checkMembers(header, Tag.PREFIXES, mostPrefixes)
  const warnings: Warning[] = []
  const files = readFiles(header, signature, options, warnings)
  const isSource = isSourcePackage(header, files)
  return {
    lead,
    signature,
    header,
    format: formatOf(header),
    nevra: nevraOf(header, isSource),
    isSource,
    payload: {
      offset: payloadOffset,
      format: header.string(Tag.PAYLOADFORMAT) ?? 'cpio',
      compressor: header.string(Tag.PAYLOADCOMPRESSOR),
      coverage: coverageOf(header, signature),
    },
    files,
    scriptlets: readScriptlets(header),
    triggers: readTriggers(header, options),
    dependencies: kind => readDependencies(header, kind),
    warnings,
  }
}

function formatOf(header: Header): 3 | 4 | 6 {
  const format = header.number(Tag.RPMFORMAT)
  if (format === undefined) return header.region === Tag.HEADERIMMUTABLE ? 4 : 3
  if (format === 3 || format === 4 || format === 6) return format
  throw new RpmError('unsupported-version', `RPMFORMAT is ${format}; 3, 4 and 6 are known`)
}

function nevraOf(header: Header, isSource: boolean): Nevra {
  const required = (tag: number, name: string): string => {
    const text = header.string(tag)
    if (!text) throw new RpmError('missing-tag', `the header has no ${name}`)
    return text
  }
  const noSource = header.has(Tag.NOSOURCE) || header.has(Tag.NOPATCH)
  return {
    name: required(Tag.NAME, 'NAME'),
    epoch: header.number(Tag.EPOCH),
    version: required(Tag.VERSION, 'VERSION'),
    release: required(Tag.RELEASE, 'RELEASE'),
    arch: isSource ? (noSource ? 'nosrc' : 'src') : (header.string(Tag.ARCH) ?? 'noarch'),
  }
}

/** The header of a source package has the build host's ARCH, and the oldest ones say nothing of being a source. */
function isSourcePackage(header: Header, files: FileTable): boolean {
  if (header.has(Tag.SOURCEPACKAGE)) return true
  if (header.has(Tag.SOURCERPM)) return false
  if (files.length === 0) return false
  const names = header.column(Tag.OLDFILENAMES) ?? header.column(Tag.DIRNAMES)
  for (let k = 0; k < (names?.length ?? 0); k++) if (names!.at(k).startsWith('/')) return false
  return true
}

function coverageOf(header: Header, signature: Header): Strength {
  const digests = payloadDigests(header, signature)
  if (digests.some(({ strength }) => strength === 'strong')) return 'strong'
  return digests.length > 0 ? 'weak' : 'none'
}
