import { execFileSync } from 'node:child_process'
import { createCipheriv } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface RpmWish {
  name: string
  version?: string
  /** Bytes of its one large file; text that compresses to three quarters. */
  size?: number
}

/** Builds RPMs, one a wish, and gives their paths in that order. The same wishes give the same packages. */
export function buildRpms(folder: string, wishes: readonly RpmWish[], payload = 'w1.gzdio'): string[] {
  const work = mkdtempSync(join(tmpdir(), 'diskful-rpmbuild-'))
  try {
    for (const wish of wishes) writeTree(join(work, 'tree', wish.name), wish)
    const spec = join(work, 'many.spec')
    writeFileSync(spec, specText(wishes, join(work, 'tree')))
    const definitions = {
      _topdir: join(work, 'top'),
      _rpmdir: folder,
      _dbpath: join(work, 'db'),
      _build_name_fmt: '%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
      _binary_payload: payload,
      _buildhost: 'localhost',
      __os_install_post: '%{nil}',
      use_source_date_epoch_as_buildtime: '1',
      clamp_mtime_to_source_date_epoch: '1',
    }
    const defines = Object.entries(definitions).flatMap(([name, value]) => ['--define', `${name} ${value}`])
    mkdirSync(folder, { recursive: true })
    execFileSync('rpmbuild', ['-bb', '--quiet', ...defines, spec], {
      stdio: 'pipe',
      env: { ...process.env, SOURCE_DATE_EPOCH: '1767225600', LC_ALL: 'C', TZ: 'UTC' },
    })
    const built = new Set(readdirSync(folder))
    return wishes.map(wish => {
      const file = `${wish.name}-${wish.version ?? '1.0'}-1.noarch.rpm`
      if (!built.has(file)) throw new Error(`rpmbuild did not make ${file}`)
      return join(folder, file)
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function writeTree(root: string, { name, version = '1.0', size = 20_000 }: RpmWish): void {
  const home = join(root, 'opt/scyld', name)
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'data'), textOf(size, `${name}-${version}`))
  mkdirSync(join(root, 'etc'), { recursive: true })
  writeFileSync(join(root, 'etc', `${name}.conf`), `version=${version}\n`)
}

/** Base64 of a key stream: as long as wanted, different for each seed, cheap to make. */
function textOf(size: number, seed: string): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.from(seed.padEnd(16, '.').slice(0, 16)), Buffer.alloc(16, seed))
  const stream = cipher.update(Buffer.alloc(Math.ceil((size * 3) / 4)))
  return Buffer.from(stream.toString('base64').slice(0, size))
}

function specText(wishes: readonly RpmWish[], tree: string): string {
  const head = ['Name: many', 'Version: 0', 'Release: 1', 'Summary: many', 'License: none', 'BuildArch: noarch']
  const packages = wishes.flatMap(({ name, version = '1.0' }) => [
    `%package -n ${name}`,
    `Version: ${version}`,
    'Summary: test',
    `%description -n ${name}`,
    'For tests.',
    `%files -n ${name}`,
    `/opt/scyld/${name}`,
    `%config /etc/${name}.conf`,
  ])
  const copies = wishes.map(({ name }) => `cp -a ${tree}/${name}/. %{buildroot}/`)
  return [...head, '%description', 'For tests.', ...packages, '%install', ...copies, ''].join('\n')
}
