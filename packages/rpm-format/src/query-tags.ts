import type { Dependency, DependencyKind } from './dependencies.ts'
import { formatNevra } from './nevra.ts'
import type { RpmPackage } from './package.ts'
import type { QueryTags } from './query-format.ts'
import { QueryFormatError } from './query-value-formats.ts'
import { Tag } from './tags.ts'

type Values = ReturnType<QueryTags>

const STRING = 6
const BIN = 7

/** The tags that query formats can name: those stored in the header, and those that rpm computes from it. */
export function queryTags(rpm: RpmPackage): QueryTags {
  return name => {
    const tag = name.toUpperCase().replace(/^RPMTAG_/, '')
    const computed = computedTags[tag]
    if (computed) return computed(rpm)
    const number = (Tag as Record<string, number>)[tag] ?? otherTags[tag]
    if (number === undefined) throw new QueryFormatError(`unknown tag ${JSON.stringify(name)}`)
    return stored(rpm, number)
  }
}

function stored({ header }: RpmPackage, tag: number): Values {
  const entry = header.entry(tag)
  if (!entry) return undefined
  if (entry.type === BIN) return [Buffer.from(header.binary(tag)!).toString('hex')]
  return entry.type >= STRING ? header.strings(tag) : Array.from(header.numbers(tag)!)
}

/** What Tag lacks: tags that only query formats name, and rpm's other names for some. */
const otherTags: Record<string, number> = {
  SERIAL: Tag.EPOCH,
  COPYRIGHT: Tag.LICENSE,
  FILEMD5S: Tag.FILEDIGESTS,
  PREIN: 1023,
  POSTIN: 1024,
  PREUN: 1025,
  POSTUN: 1026,
  PREINPROG: 1085,
  POSTINPROG: 1086,
  PREUNPROG: 1087,
  POSTUNPROG: 1088,
  PROVIDENAME: 1047,
  PROVIDEFLAGS: 1112,
  PROVIDEVERSION: 1113,
  REQUIREFLAGS: 1048,
  REQUIRENAME: 1049,
  REQUIREVERSION: 1050,
  CONFLICTFLAGS: 1053,
  CONFLICTNAME: 1054,
  CONFLICTVERSION: 1055,
  OBSOLETENAME: 1090,
  OBSOLETEFLAGS: 1114,
  OBSOLETEVERSION: 1115,
}

const computedTags: Record<string, (rpm: RpmPackage) => Values> = {
  EPOCHNUM: ({ nevra }) => [nevra.epoch ?? 0],
  EVR: ({ nevra: { epoch, version, release } }) => [`${epoch === undefined ? '' : `${epoch}:`}${version}-${release}`],
  NVR: ({ nevra: { name, version, release } }) => [`${name}-${version}-${release}`],
  NVRA: ({ nevra }) => [formatNevra({ ...nevra, epoch: undefined })],
  NEVRA: ({ nevra }) => [formatNevra(nevra)],
  NEVR: ({ nevra: { name, epoch, version, release } }) => [
    `${name}-${epoch === undefined ? '' : `${epoch}:`}${version}-${release}`,
  ],
  ARCH: ({ header }) => header.strings(Tag.ARCH)?.slice(0, 1),
  FILENAMES: fileNames,
  INSTFILENAMES: fileNames,
  LONGSIZE: rpm => stored(rpm, Tag.LONGSIZE) ?? stored(rpm, Tag.SIZE),
  LONGFILESIZES: ({ files }) => (files.length > 0 ? Array.from(files, file => file.size) : undefined),
  PROVIDENEVRS: nevrs('provides'),
  REQUIRENEVRS: nevrs('requires'),
  CONFLICTNEVRS: nevrs('conflicts'),
  OBSOLETENEVRS: nevrs('obsoletes'),
}

function fileNames({ files }: RpmPackage): Values {
  return files.length > 0 ? [...files.paths()] : undefined
}

function nevrs(kind: DependencyKind): (rpm: RpmPackage) => Values {
  return rpm => {
    const dependencies = rpm.dependencies(kind)
    return dependencies.length > 0 ? dependencies.map(formatDependency) : undefined
  }
}

function formatDependency({ name, operator, version }: Dependency): string {
  return operator === '' ? name : `${name} ${operator} ${version}`
}
