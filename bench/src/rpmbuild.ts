import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Recipe {
  name: string
  summary: string
  /** Shell lines that fill %{buildroot}. */
  install: string
  files: string
  /** As rpmbuild calls it: w19.zstdio. */
  payload: string
}

/** Builds `rpm` in the folder `work`, which is gone afterwards; the file appears when it is whole. */
export function buildRpm(work: string, rpm: string, { name, summary, install, files, payload }: Recipe): void {
  mkdirSync(work, { recursive: true })
  const spec = join(work, `${name}.spec`)
  writeFileSync(
    spec,
    `Name: ${name}
Version: 1
Release: 1
Summary: ${summary}
License: none
BuildArch: noarch
AutoReqProv: no
%description
${summary}.
%install
${install}
%files
${files}
`,
  )
  const definitions = {
    _topdir: join(work, 'top'),
    _rpmdir: work,
    _rpmfilename: '%{NAME}.rpm',
    _binary_payload: payload,
    __os_install_post: '%{nil}',
    // Comparing 200,000 files with the list of the package takes longer than all the rest.
    __check_files: '%{nil}',
    _build_id_links: 'none',
    // The content is this machine's programs; nobody will run them from there.
    _binaries_in_noarch_packages_terminate_build: '0',
  }
  const defines = Object.entries(definitions).flatMap(([macro, value]) => ['--define', `${macro} ${value}`])
  execFileSync('rpmbuild', ['-bb', '--quiet', ...defines, spec], { stdio: ['ignore', 'ignore', 'pipe'] })
  renameSync(join(work, `${name}.rpm`), rpm)
  rmSync(work, { recursive: true, force: true })
}
