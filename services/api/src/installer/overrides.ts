import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InstallerName } from './choices.ts'
import type { InstallerRequest } from './request.ts'

const LARGEST_SCRIPT = 4 * 1024 * 1024

export interface Override {
  /** File name below CLIENTPKGS_DIR/installers. */
  file: string
  text: string
}

/** An admin's own script instead of ours, the most specific first; all names come from our table, none from the request. */
export async function findOverride(
  folder: string,
  installer: InstallerName,
  { arch, os }: Pick<InstallerRequest, 'arch' | 'os'>,
): Promise<Override | undefined> {
  for (const file of overrideNames(installer, os, arch)) {
    const text = await readTogether(join(folder, 'installers', file))
    if (text !== undefined) return { file, text }
  }
  return undefined
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

const running = new Map<string, Promise<string | undefined>>()

/** A thousand nodes that ask at once share one look. */
function readTogether(path: string): Promise<string | undefined> {
  const read = running.get(path) ?? readIfThere(path).finally(() => running.delete(path))
  running.set(path, read)
  return read
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.length > LARGEST_SCRIPT) throw new Error(`${path} is too large for an installer`)
    return text
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
