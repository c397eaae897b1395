import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { identityOf, identityText } from '@diskful/conversion'
import { sharedLook } from '../shared-look.ts'
import type { InstallerName } from './choices.ts'
import type { InstallerRequest } from './request.ts'

const LARGEST_SCRIPT = 4 * 1024 * 1024

/** An admin's own script instead of ours. */
export interface Override {
  /** File name below CLIENTPKGS_DIR/installers. */
  file: string
  text: string
  /** Another one for each state of the file. */
  state: string
}

/** The scripts below CLIENTPKGS_DIR/installers: looked at for each request, read when they have changed. */
export class Overrides {
  readonly #folder: string
  readonly #read = new Map<string, Override>()
  readonly #lookAt = sharedLook(file => this.#look(file))

  constructor(clientPkgsDir: string) {
    this.#folder = join(clientPkgsDir, 'installers')
  }

  /** The most specific one that is there now; all names come from our table, none from the request. */
  async find(
    installer: InstallerName,
    { arch, os }: Pick<InstallerRequest, 'arch' | 'os'>,
  ): Promise<Override | undefined> {
    const found = await Promise.all(overrideNames(installer, os, arch).map(this.#lookAt))
    return found.find(override => override !== undefined)
  }

  async #look(file: string): Promise<Override | undefined> {
    try {
      const stats = await stat(join(this.#folder, file), { bigint: true })
      const known = this.#read.get(file)
      if (known?.state === identityText(identityOf(stats))) return known
      // A FIFO or the like is nobody's script, and would never be read to its end; an empty file is what a full disk left of
      // one, and would look like success on every node.
      if (!stats.isFile() || stats.size === 0n) return undefined
      const override = await readOverride(this.#folder, file)
      this.#read.set(file, override)
      return override
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
      this.#read.delete(file)
      return undefined
    }
  }
}

export function overrideNames(
  installer: InstallerName,
  os: InstallerRequest['os'],
  arch: InstallerRequest['arch'],
): string[] {
  if (installer === 'preinstaller' || installer === 'generic') return [`${installer}.sh`]
  const names = [`${installer}.sh`]
  if (os.state === 'known') names.unshift(`${installer}-${os.value}.sh`)
  if (os.state === 'known' && arch.state === 'known') names.unshift(`${installer}-${os.value}-${arch.value}.sh`)
  return names
}

async function readOverride(folder: string, file: string): Promise<Override> {
  const handle = await open(join(folder, file), constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await handle.stat({ bigint: true })
    if (stats.size > LARGEST_SCRIPT) throw new Error(`installers/${file} is too large for an installer`)
    return { file, text: await handle.readFile('utf8'), state: identityText(identityOf(stats)) }
  } finally {
    await handle.close()
  }
}
