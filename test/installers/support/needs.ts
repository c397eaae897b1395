import { requireRoot, requireTool } from '../../support/requires.ts'

const TOOLS = ['debootstrap', 'rpmbuild', 'dpkg-deb', 'busybox', 'unshare', 'nsenter', 'ip', 'flock', 'curl']

/** Whether installers can be tried in roots of their own here; skips aloud where not. */
export function canUseRoots(): boolean {
  return requireRoot() && TOOLS.map(requireTool).every(Boolean)
}
