/** Tag numbers of the main header, named as in rpmtag.h. */
export const Tag = {
  HEADERIMAGE: 61,
  HEADERSIGNATURES: 62,
  HEADERIMMUTABLE: 63,
  HEADERI18NTABLE: 100,

  NAME: 1000,
  VERSION: 1001,
  RELEASE: 1002,
  EPOCH: 1003,
  SUMMARY: 1004,
  DESCRIPTION: 1005,
  BUILDTIME: 1006,
  BUILDHOST: 1007,
  SIZE: 1009,
  DISTRIBUTION: 1010,
  VENDOR: 1011,
  LICENSE: 1014,
  PACKAGER: 1015,
  GROUP: 1016,
  SOURCE: 1018,
  PATCH: 1019,
  URL: 1020,
  OS: 1021,
  ARCH: 1022,
  SOURCERPM: 1044,
  ARCHIVESIZE: 1046,
  NOSOURCE: 1051,
  NOPATCH: 1052,
  RPMVERSION: 1064,
  COOKIE: 1094,
  PREFIXES: 1098,
  SOURCEPACKAGE: 1106,
  OPTFLAGS: 1122,
  DISTURL: 1123,
  PAYLOADFORMAT: 1124,
  PAYLOADCOMPRESSOR: 1125,
  PAYLOADFLAGS: 1126,
  PLATFORM: 1132,
  LONGSIZE: 5009,
  BUGURL: 5012,
  VCS: 5034,
  ENCODING: 5062,
  MODULARITYLABEL: 5096,
  RPMFORMAT: 5114,
  SOURCENEVR: 5120,

  PAYLOADSHA256: 5092,
  PAYLOADSHA256ALGO: 5093,
  PAYLOADSHA256ALT: 5097,
  PAYLOADSIZE: 5112,
  PAYLOADSIZEALT: 5113,
  PAYLOADSHA512: 5121,
  PAYLOADSHA512ALT: 5122,
  PAYLOADSHA3_256: 5123,
  PAYLOADSHA3_256ALT: 5124,

  OLDFILENAMES: 1027,
  FILESIZES: 1028,
  FILEMODES: 1030,
  FILERDEVS: 1033,
  FILEMTIMES: 1034,
  FILEDIGESTS: 1035,
  FILELINKTOS: 1036,
  FILEFLAGS: 1037,
  FILEUSERNAME: 1039,
  FILEGROUPNAME: 1040,
  FILEVERIFYFLAGS: 1045,
  FILEDEVICES: 1095,
  FILEINODES: 1096,
  FILELANGS: 1097,
  DIRINDEXES: 1116,
  BASENAMES: 1117,
  DIRNAMES: 1118,
  FILECOLORS: 1140,
  LONGFILESIZES: 5008,
  FILECAPS: 5010,
  FILEDIGESTALGO: 5011,
  FILESIGNATURES: 5090,
  FILESIGNATURELENGTH: 5091,

  CHANGELOGTIME: 1080,
  CHANGELOGNAME: 1081,
  CHANGELOGTEXT: 1082,
} as const

/** Tag numbers of the signature header; 1000–1008 mean other things here than in the main header. */
export const SignatureTag = {
  DSA: 267,
  RSA: 268,
  SHA1: 269,
  LONGSIZE: 270,
  LONGARCHIVESIZE: 271,
  SHA256: 273,
  FILESIGNATURES: 274,
  OPENPGP: 278,
  SHA3_256: 279,
  RESERVED: 999,
  SIZE: 1000,
  PGP: 1002,
  MD5: 1004,
  GPG: 1005,
  PAYLOADSIZE: 1007,
} as const

export type TagType = 'int16' | 'int32' | 'int64' | 'text' | 'binary'

/** What rpm stores under the tags that we read; rpm refuses main headers that store them as something else. */
const types: Record<TagType, readonly number[]> = {
  text: [
    100, 1000, 1001, 1002, 1004, 1005, 1007, 1010, 1011, 1014, 1015, 1016, 1018, 1019, 1020, 1021, 1022, 1044, 1064,
    1094, 1098, 1122, 1123, 1124, 1125, 1126, 1132, 5012, 5034, 5062, 5096, 5120, 5092, 5097, 5121, 5122, 5123, 5124,
    1027, 1035, 1036, 1039, 1040, 1097, 1117, 1118, 5010, 5090, 1081, 1082,
    // scriptlets and their interpreters
    1023, 1024, 1025, 1026, 1079, 1151, 1152, 5103, 5104, 1085, 1086, 1087, 1088, 1091, 1153, 1154, 5105, 5106,
    // triggers: scripts, interpreters, names, versions
    1065, 1092, 1066, 1067, 5066, 5067, 5069, 5071, 5076, 5077, 5079, 5081,
    // dependencies: names and versions
    1047, 1113, 1049, 1050, 1054, 1055, 1090, 1115, 5035, 5036, 5046, 5047, 5049, 5050, 5052, 5053, 5055, 5056, 1156,
    1157, 1159, 1160,
  ],
  int16: [1030, 1033],
  int32: [
    1003, 1006, 1009, 1046, 1051, 1052, 1106, 5093, 5114, 1028, 1034, 1037, 1045, 1095, 1096, 1116, 1140, 5011, 5091,
    1080, 5020, 5021, 5022, 5023, 5024, 5025, 5026, 5107, 5108, 5027, 5068, 5078, 1069, 1068, 5070, 5072, 5080, 5082,
    5084, 5085, 1112, 1048, 1053, 1114, 5037, 5048, 5051, 5054, 5057, 1158, 1161,
  ],
  int64: [5008, 5009, 5112, 5113],
  binary: [],
}

export const tagTypes: ReadonlyMap<number, TagType> = new Map(
  Object.entries(types).flatMap(([type, tags]) => tags.map(tag => [tag, type as TagType] as const)),
)

const names = new Map<number, string>(Object.entries(Tag).map(([name, tag]) => [tag, name]))
const signatureNames = new Map<number, string>(Object.entries(SignatureTag).map(([name, tag]) => [tag, name]))

/** `NAME (1000)` for messages. */
export function tagName(tag: number, kind: 'signature' | 'main' = 'main'): string {
  const name = (kind === 'signature' ? signatureNames : names).get(tag)
  return name === undefined ? `tag ${tag}` : `${name} (${tag})`
}
