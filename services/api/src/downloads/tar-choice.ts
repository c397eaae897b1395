import type { TarFormat } from '@diskful/conversion'
import { Problem } from '../http/problem.ts'
import type { Catalog, CatalogEntry } from '../ports.ts'
import { splitTarName } from './asked-name.ts'
import { notFound, onlyAsDeb } from './lookup-problems.ts'

export interface AskedTar {
  /** As in the path, suffix included. */
  name: string
  arch?: string | undefined
  /** Of the query. */
  format?: TarFormat | undefined
}

/** What a TAR is to be taken from: an admin's own one, sent as it is, or an RPM to convert into that format. */
export type TarChoice = { own: CatalogEntry } | { rpm: CatalogEntry; format: TarFormat }

/** An admin's own TAR wins where no other format is asked for. Throws the Problem that says why there is none. */
export function chooseTar(catalog: Catalog, asked: AskedTar, defaultArch: string): TarChoice {
  const { base, format: suffix } = splitTarName(asked.name)
  const format = asked.format ?? suffix
  if (suffix !== undefined && format !== suffix) throw contradiction(asked.name, suffix, format)
  const options = { ...(asked.arch === undefined ? {} : { arch: asked.arch }), defaultArch }

  const exact = catalog.resolve('tar', asked.name, options)
  if (exact?.fileName === asked.name && asked.format === undefined) return { own: exact }
  const own = exact ?? catalog.resolve('tar', base, options)
  if (own && (format === undefined || splitTarName(own.fileName).format === format)) return { own }

  const rpm = catalog.resolve('rpm', base, options)
  if (rpm) return { rpm, format: format ?? 'tar.gz' }
  if (own) throw otherFormatOnly(own, format)
  const deb = catalog.resolve('deb', base, options)
  throw deb ? onlyAsDeb(deb) : notFound(catalog, { type: 'tar', name: base, arch: asked.arch }, ['tar', 'rpm'])
}

function contradiction(name: string, suffix: TarFormat, format: TarFormat | undefined): Problem {
  return new Problem({
    status: 400,
    code: 'format-contradiction',
    title: 'Two formats at once',
    detail: `The name "${name}" asks for ${suffix}, the parameter for ${format}.`,
  })
}

function otherFormatOnly(own: CatalogEntry, format: TarFormat | undefined): Problem {
  return new Problem({
    status: 404,
    code: 'no-such-format',
    title: 'No TAR in this format',
    detail: `${own.name} is here only as ${own.fileName}; without its RPM there is no ${format}.`,
    about: 'tar',
    extra: { name: own.name, file: own.fileName },
  })
}
