const ALIASES: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  x64: 'x86_64',
  'x86-64': 'x86_64',
  arm64: 'aarch64',
  armv8: 'aarch64',
  i386: 'i686',
  i486: 'i686',
  i586: 'i686',
  ia32: 'i686',
  x86: 'i686',
  athlon: 'i686',
  armhf: 'armv7hl',
  ppc64el: 'ppc64le',
  all: 'noarch',
}

const OTHER_ARCHES =
  'x86_64_v2 x86_64_v3 x86_64_v4 ppc64 ppc s390x s390 riscv64 loongarch64 ia64 armv7l armv6hl armel mips mipsel mips64el sparc64'.split(
    ' ',
  )

/** Every name that stands for an architecture at the end of a file name. */
export const KNOWN_ARCHES: ReadonlySet<string> = new Set([
  ...Object.keys(ALIASES),
  ...Object.values(ALIASES),
  ...OTHER_ARCHES,
])

/** One name for each machine: what rpm and `uname -m` call it (`amd64` → `x86_64`, `all` → `noarch`). */
export function canonicalArch(arch: string): string {
  const lower = arch.trim().toLowerCase()
  return ALIASES[lower] ?? lower
}

/** Whether a package of `arch` is for machines of `wanted`; noarch and all are for every machine. */
export function archMatches(arch: string, wanted: string): boolean {
  const own = canonicalArch(arch)
  return own === 'noarch' || own === canonicalArch(wanted)
}

/** For an order of packages for one machine: 0 its own arch, 1 any arch, 2 what it runs besides; undefined: not for it. */
export function archRank(arch: string, machine: string): number | undefined {
  const own = canonicalArch(arch)
  const wanted = canonicalArch(machine)
  if (own === wanted) return 0
  if (own === 'noarch') return 1
  return wanted === 'x86_64' && own === 'i686' ? 2 : undefined
}
