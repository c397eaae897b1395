import type { PackageType } from './entry.ts'
import type { Problem } from './folder-tree.ts'
import { parseTarName } from './tar-name.ts'

/** Why a file cannot be a package of that type, by its name; undefined when it may be one. */
export function packageFileKind(type: PackageType, fileName: string): Problem | undefined {
  if (type === 'tar')
    return parseTarName(fileName) ? undefined : alien('*.tar.gz, .tgz, .tar.zst, .tar.xz, .tar.bz2 or .tar')
  return fileName.endsWith(`.${type}`) ? undefined : alien(`*.${type}`)
}

function alien(pattern: string): Problem {
  return { code: 'not-a-package', message: `its name is not ${pattern}` }
}
