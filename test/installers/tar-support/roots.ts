import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { findTool } from '../../support/requires.ts'

/** What a node's userland is: busybox and nothing else, or GNU tools with dash or bash as /bin/sh. */
export type RootKind = 'busybox' | 'dash' | 'bash'

export const ROOT_KINDS: readonly RootKind[] = ['busybox', 'dash', 'bash']

const GNU_TOOLS = (
  'dash bash env id tar gzip awk mawk sed grep find xargs cat chmod chown cp cut date dd df ln ls mkdir mknod mkfifo ' +
  'mktemp mv od readlink rm rmdir sha256sum sleep sort stat sync tail head tr touch true uname wc getent setcap ldconfig unshare mount'
).split(' ')

const made = new Map<RootKind, string>()

/** A fresh root for a chroot, merged /usr, a copy of one that is made once a process. */
export function freshRoot(kind: RootKind, parent: string): string {
  const root = mkdtempSync(join(parent, `${kind}-`))
  execFileSync('cp', ['-a', `${template(kind, parent)}/.`, root])
  return root
}

function template(kind: RootKind, parent: string): string {
  const known = made.get(kind)
  if (known && existsSync(known)) return known
  const root = mkdtempSync(join(parent, `template-${kind}-`))
  chmodSync(root, 0o755)
  for (const folder of [
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'dev',
    'proc',
    'tmp',
    'var/tmp',
    'var/lib',
    'etc',
    'root',
  ]) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${folder}`, join(root, folder))
  for (const folder of ['tmp', 'var/tmp']) chmodSync(join(root, folder), 0o1777)
  execFileSync('mknod', ['-m', '666', join(root, 'dev/null'), 'c', '1', '3'])
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n')
  if (kind === 'busybox') addBusybox(root)
  else addGnu(root, kind)
  made.set(kind, root)
  return root
}

function addBusybox(root: string): void {
  const busybox = findTool('busybox')!
  copyFileSync(busybox, join(root, 'bin/busybox'))
  // These two would look like a package system.
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter(applet => !['busybox', 'rpm', 'dpkg', 'dpkg-deb'].includes(applet))
  for (const applet of applets) symlinkSync('busybox', join(root, 'bin', applet))
}

function addGnu(root: string, shell: string): void {
  for (const tool of GNU_TOOLS) {
    // bash in the root would be taken for scriptlets; the dash root is to run without it.
    if (tool === 'bash' && shell === 'dash') continue
    const path = findTool(tool)
    if (!path) continue
    copyFileSync(path, join(root, 'bin', tool))
    for (const library of librariesOf(path)) {
      const target = join(root, library)
      if (existsSync(target)) continue
      mkdirSync(dirname(target), { recursive: true })
      copyFileSync(library, target)
    }
  }
  symlinkSync(shell, join(root, 'bin/sh'))
}

function librariesOf(path: string): string[] {
  try {
    const text = execFileSync('ldd', [path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return [...text.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(match => match[1]!)
  } catch {
    // statically linked, or a script
    return []
  }
}

/** A folder for roots, in memory: thousands of files are made and removed. To be closed by `closeRoots`. */
export function openRoots(): string {
  const folder = mkdtempSync('/var/tmp/diskful-tar-')
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755,size=2g', 'tmpfs', folder])
  return folder
}

export function closeRoots(folder: string): void {
  made.clear()
  execFileSync('umount', ['-l', folder])
  rmSync(folder, { recursive: true, force: true })
}
