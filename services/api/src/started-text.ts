import type { AddressInfo } from 'node:net'
import { PACKAGE_TYPES } from '@diskful/conversion'
import type { ApiConfig } from './config.ts'
import type { Catalog } from './ports.ts'

export interface Started {
  catalog: Pick<Catalog, 'entries' | 'resolve' | 'status'>
  address: AddressInfo
  opsAddress: AddressInfo | undefined
}

/** What somebody who started the service on a terminal wants to know, with a curl line that works. */
export function startedText(config: ApiConfig, started: Started, remark: string): string {
  const { catalog, address, opsAddress } = started
  const base = `http://${hostOf(address)}:${address.port}`
  const { counts, readable } = catalog.status()
  const stock = PACKAGE_TYPES.map(type => `${counts[type]} ${type.toUpperCase()}`).join(', ')
  return `
Diskful listens on ${base}${isEverywhere(address) ? ' and every other address of this machine' : ''}
  packages     ${config.clientPkgsDir}: ${readable ? stock : 'absent or unreadable, nothing to offer yet'}${remark}
  cache        ${config.cacheDir}
  state        ${config.stateDir}
  conversions  ${config.redisUrl === undefined ? 'by one converter process of its own' : `through ${withoutPassword(config.redisUrl)}`}
  operators    ${opsAddress === undefined ? 'no ops port (OPS_PORT=0)' : `http://${hostOf(opsAddress)}:${opsAddress.port}/`}

Try:
  ${exampleLine(`${base}/api/v1/install/client`, base, config, catalog)}

`
}

function exampleLine(client: string, base: string, config: ApiConfig, catalog: Started['catalog']): string {
  const [first = ''] = config.clientPackages
  const [anyRpm] = catalog.entries('rpm')
  const rpm = catalog.resolve('rpm', first, { defaultArch: config.defaultArch }) ?? anyRpm
  if (rpm) return `curl -fOJ ${client}/download/tar/${encodeURIComponent(rpm.isSource ? rpm.fileName : rpm.name)}`
  const [deb] = catalog.entries('deb')
  if (deb) return `curl -fOJ ${client}/download/deb/${encodeURIComponent(deb.name)}`
  return `curl -f ${base}/readyz`
}

function isEverywhere({ address }: AddressInfo): boolean {
  return address === '::' || address === '0.0.0.0'
}

function hostOf(listening: AddressInfo): string {
  if (isEverywhere(listening)) return 'localhost'
  return listening.family === 'IPv6' ? `[${listening.address}]` : listening.address
}

function withoutPassword(redisUrl: string): string {
  const url = new URL(redisUrl)
  if (url.password !== '') url.password = '***'
  return url.href
}
