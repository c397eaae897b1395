import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireTool } from '../../../../test/support/requires.ts'
import { Catalog, createLogger, plan } from '../../src/index.ts'

const SPEC = `
Name: app
Epoch: 3
Version: 1.0
Release: 1
Summary: x
License: x
BuildArch: noarch
Requires: lib >= 2, (selinux-rules if selinux-policy), (fast or slow), /usr/share/data/file
Requires(pre): users
Recommends: wish
%description
x
%package -n users
Summary: x
Requires: app
%description -n users
x
%package -n lib
Version: 2.1
Summary: x
Provides: lib(abi) = 5
Conflicts: slow
%description -n lib
x
%package -n slow
Summary: x
%description -n slow
x
%package -n faster
Summary: x
Provides: fast = 1
%description -n faster
x
%package -n data
Summary: x
%description -n data
x
%package -n selinux-rules
Summary: x
%description -n selinux-rules
x
%package -n wish
Summary: x
%description -n wish
x
%install
mkdir -p %{buildroot}/usr/share/data
echo x >%{buildroot}/usr/share/data/file
%pre
true
%files
%files -n users
%files -n lib
%files -n slow
%files -n faster
%files -n data
/usr/share/data/file
%files -n selinux-rules
%files -n wish
`

describe.skipIf(!requireTool('rpmbuild'))('a plan of packages from the real rpmbuild', () => {
  const root = mkdtempSync(join(tmpdir(), 'diskful-plan-'))
  let catalog: Catalog

  beforeAll(async () => {
    const spec = join(root, 'app.spec')
    writeFileSync(spec, SPEC)
    const definitions = { _topdir: join(root, 'top'), _rpmdir: join(root, 'clientpkgs/rpm'), _dbpath: join(root, 'db') }
    const defines = Object.entries(definitions).flatMap(([name, value]) => ['--define', `${name} ${value}`])
    execFileSync('rpmbuild', ['-bb', '--quiet', ...defines, spec], { stdio: 'pipe' })
    catalog = await Catalog.open({
      folder: join(root, 'clientpkgs'),
      settleMs: 10,
      logger: createLogger('test', 'silent'),
    })
    await catalog.ready
  }, 60_000)

  afterAll(async () => {
    await catalog.close()
    rmSync(root, { recursive: true, force: true })
  })

  it('has files, virtual, rich and %pre requirements in an order that works', async () => {
    const { rows, unresolved, missing } = await plan(catalog, { type: 'rpm', packages: ['app'], arch: 'x86_64' })
    expect(missing).toEqual([])
    const names = rows.map(({ name, when }) => (when === undefined ? name : `${name} if ${when}`))
    expect(names.toSorted()).toEqual(['app', 'data', 'faster', 'lib', 'selinux-rules if selinux-policy', 'users'])
    // users and app require each other; the account must be there before app's files.
    expect(names.indexOf('users')).toBeLessThan(names.indexOf('app'))
    expect(rows.find(({ name }) => name === 'app')?.version).toBe('3:1.0-1')
    expect(unresolved.map(({ requirement, reason }) => `${requirement} ${reason}`)).toEqual(['/bin/sh node-system'])
  })

  it('is one that rpm itself would install', async () => {
    const { rows } = await plan(catalog, { type: 'rpm', packages: ['app', 'wish'], arch: 'x86_64' })
    const files = rows.map(({ entry }) => join(root, 'clientpkgs/rpm', entry.file))
    const install = ['--test', '-i', '--root', join(root, 'node'), '--dbpath', '/db', ...files]
    // The stand-in for the node's own system is the one thing missing.
    const { stderr } = (() => {
      try {
        return { stderr: execFileSync('rpm', install, { encoding: 'utf8', stdio: 'pipe' }) }
      } catch (error) {
        return error as { stderr: string }
      }
    })()
    expect(stderr.split('\n').filter(line => line.includes('is needed by'))).toEqual([
      expect.stringMatching(/^\s+\/bin\/sh is needed by app-3:1\.0-1\.noarch$/),
    ])
    expect(stderr).not.toContain('conflicts')
  })
})
