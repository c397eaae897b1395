import { Problem } from '../http/problem.ts'
import type { Catalog, CatalogEntry, PackageType } from '../ports.ts'

export interface Wanted {
  type: PackageType
  name: string
  arch: string | undefined
}

/** Says why a name has no file: unreadable or half-copied, only for other architectures, or unknown, with what comes near. */
export function notFound(catalog: Catalog, { type, name, arch }: Wanted, sources: readonly PackageType[]): Problem {
  const refused = sources.map(source => catalog.refused(source, name)).find(error => error !== undefined)
  if (refused) return brokenPackage(refused.file, refused.code, refused.message)

  const otherArch = sources.map(source => catalog.resolve(source, name, {})).find(entry => entry !== undefined)
  const near = nearNames(catalog, name, sources)
  const kind = type === 'tar' ? 'neither a TAR nor an RPM' : `no ${type.toUpperCase()} package`
  const facts = [
    `There is ${kind} called "${name}"${arch === undefined ? '' : ` for ${arch}`} on this head node.`,
    otherArch ? `It is here for ${otherArch.arch}.` : '',
    near.length > 0 ? `Near names: ${near.join(', ')}.` : '',
  ]
  return new Problem({
    status: 404,
    code: 'no-such-package',
    title: 'No such package',
    detail: facts.filter(Boolean).join(' '),
    about: type,
    extra: { name, ...(arch === undefined ? {} : { arch }), near },
  })
}

/** 409, not 404: the package is known and there is something an admin can do about it. */
export function onlyAsDeb(entry: CatalogEntry): Problem {
  return new Problem({
    status: 409,
    code: 'deb-not-convertible',
    title: 'DEB packages cannot be converted',
    detail: `${entry.name} is here only as a DEB (${entry.fileName}), and DEB packages cannot be converted to TAR. Put its RPM into rpm/ or a TAR into tar/.`,
    about: 'tar',
    extra: { name: entry.name, deb: entry.fileName },
  })
}

export function brokenPackage(file: string, code: string, message: string): Problem {
  return new Problem({
    status: 422,
    code,
    title: 'The package on the head node is broken',
    detail: `${file}: ${message}`,
    extra: { file },
  })
}

function nearNames(catalog: Catalog, name: string, sources: readonly PackageType[]): string[] {
  return [...new Set(sources.flatMap(type => catalog.near(type, name)))].slice(0, 5)
}
