import { displayText, formatNevra, type RpmPackage, readPackage } from 'rpm-format'
import { readDeb } from '../deb/read-deb.ts'
import { splitDebianVersion } from '../deb/version.ts'
import { debRelations, type PackageRelations, rpmRelations } from '../plan/package-relations.ts'
import type { CatalogEntry, PackageType } from './entry.ts'
import { evrText } from './entry.ts'
import { type FileBytes, growingChunks } from './file-bytes.ts'
import { checkRpmLength } from './rpm-length.ts'
import { checkTarLength } from './tar-length.ts'
import { parseTarName } from './tar-name.ts'

export type PackageFacts = Omit<CatalogEntry, 'type' | 'file' | 'fileName' | 'identity'>

export interface ReadResult {
  facts: PackageFacts
  /** Of RPMs and DEBs. */
  relations: PackageRelations | undefined
}

/** Reads a package's own word on what it is. Rejects with RpmError, DebError or LengthError when it is broken. */
export async function readPackageFacts(type: PackageType, fileName: string, bytes: FileBytes): Promise<ReadResult> {
  if (type === 'rpm') return readRpmFacts(bytes)
  if (type === 'deb') return readDebFacts(bytes)
  return { facts: tarFacts(fileName, bytes), relations: undefined }
}

async function readRpmFacts(bytes: FileBytes): Promise<ReadResult> {
  const rpm = await readPackage(growingChunks(bytes))
  checkRpmLength(rpm, bytes.size)
  return { facts: rpmFacts(rpm), relations: rpm.isSource ? undefined : rpmRelations(rpm) }
}

function rpmFacts({ nevra, isSource }: RpmPackage): PackageFacts {
  const text = {
    name: displayText(nevra.name),
    epoch: nevra.epoch,
    version: displayText(nevra.version),
    release: displayText(nevra.release),
    arch: displayText(nevra.arch),
  }
  // The arch of a source package is that of the machine it was made on: it says nothing.
  const shown = isSource && !/^(no)?src$/.test(text.arch) ? { ...text, arch: 'src' } : text
  return { ...text, isSource, nevra: displayText(formatNevra(shown)) }
}

async function readDebFacts(bytes: FileBytes): Promise<ReadResult> {
  const deb = await readDeb(bytes)
  const { epoch, upstream, revision } = splitDebianVersion(deb.version)
  const facts = {
    name: deb.name,
    epoch: deb.version.includes(':') ? epoch : undefined,
    version: upstream,
    release: revision,
    arch: deb.arch,
    isSource: false,
    nevra: `${deb.name}_${deb.version}_${deb.arch}`,
  }
  return { facts, relations: debRelations(deb) }
}

function tarFacts(fileName: string, bytes: FileBytes): PackageFacts {
  const parsed = parseTarName(fileName)
  if (!parsed) throw new TypeError(`no name of a TAR: ${fileName}`)
  checkTarLength(parsed.tarFormat, bytes)
  const { name, epoch, version, release, arch, tarFormat } = parsed
  const evr = evrText({ epoch, version, release })
  return {
    name,
    epoch,
    version,
    release,
    arch: arch ?? 'noarch',
    isSource: false,
    nevra: `${name}${evr === '' ? '' : `-${evr}`}${arch === undefined ? '' : `.${arch}`}`,
    tarFormat,
  }
}
