import type { PackageType } from '../ports.ts'
import { type InstallerName, OSES } from './choices.ts'
import { type InstallerRequest, word } from './request.ts'

export interface Choice {
  installer: InstallerName
  /** One line for people: the script's head and the answer's headers carry it. */
  why: string
}

/** Whether everything that is to be installed is on the head node as this type, for this machine. */
export type InStock = (type: PackageType) => boolean

/** The most specific installer that the known features allow, down to TAR; what nobody looked at yet, a script looks at. */
export function choose(request: InstallerRequest, inStock: InStock): Choice {
  const { arch, os, pkg } = request
  const features = [arch, os, pkg]
  if (!request.detected && features.every(({ state }) => state === 'absent')) {
    return { installer: 'preinstaller', why: 'the request names neither arch nor os nor pkg' }
  }
  if (pkg.state === 'known' && request.pkgAsked) {
    return { installer: pkg.value, why: `pkg=${pkg.value} was asked for` }
  }
  if (pkg.state === 'known') return fromStock(pkg.value, `${pkg.value} works on the node`, inStock)
  if (request.noPackageSystem) {
    return { installer: 'tar', why: 'neither rpm nor dpkg works on the node' }
  }
  if (os.state === 'known')
    return fromStock(OSES[os.value].pkg, `os=${os.value} lives by ${OSES[os.value].pkg}`, inStock)
  if (request.detected || (os.state === 'unknown' && pkg.state === 'unknown')) {
    return { installer: 'tar', why: 'neither the OS nor its package system is known, and TAR needs neither' }
  }
  const known = arch.state === 'known' ? `arch=${word(arch)} alone` : 'nothing of the request is known, which'
  return { installer: 'generic', why: `${known} does not decide it: the script looks at the node when it runs` }
}

function fromStock(native: PackageType, because: string, inStock: InStock): Choice {
  const name = native.toUpperCase()
  if (native === 'tar' || inStock(native))
    return { installer: native, why: `${because}, and the packages are here as ${name}` }
  return { installer: 'tar', why: `${because}, but the packages are not all here as ${name}: TAR` }
}
