import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface PackageRecipe {
  name: string
  version?: string
  /** RPM's word; unset: for any machine. DEBs are for any. */
  arch?: string
  /** `bar >= 2`: one each, in the words of both systems. */
  requires?: readonly string[]
  /** For RPMs. */
  conflicts?: readonly string[]
  /** Path → content; `#!` makes it executable. */
  files?: Readonly<Record<string, string>>
  /** Those of `files` that an admin may edit. */
  config?: readonly string[]
  scripts?: Partial<Record<'pre' | 'post' | 'preun' | 'postun', string>>
}

/** Needs `lib`, and has a file that an admin may edit. */
export const APP: PackageRecipe = {
  name: 'app',
  version: '2.0',
  requires: ['lib >= 1.0'],
  files: { '/etc/app.conf': 'new\n' },
  config: ['/etc/app.conf'],
}

/** Builds an RPM and puts it into a folder. */
export function buildRpm(folder: string, recipe: PackageRecipe): void {
  const { name, version = '1.0', arch, requires = [], conflicts = [], files = {}, config = [], scripts = {} } = recipe
  inWorkFolder(work => {
    const tree = join(work, 'tree')
    writeTree(tree, files)
    const spec = [
      `Name: ${name}`,
      `Version: ${version}`,
      'Release: 1',
      'Summary: made for a test',
      'License: Apache-2.0',
      ...(arch ? [] : ['BuildArch: noarch']),
      'AutoReqProv: no',
      ...requires.map(text => `Requires: ${text}`),
      ...conflicts.map(text => `Conflicts: ${text}`),
      '%description',
      'Made for a test.',
      '%install',
      `mkdir -p %{buildroot} && cp -a ${tree}/. %{buildroot}/`,
      ...Object.entries(scripts).flatMap(([slot, body]) => [`%${slot}`, body]),
      '%files',
      ...Object.keys(files).map(path => (config.includes(path) ? `%config(noreplace) ${path}` : path)),
      '',
    ]
    writeFileSync(join(work, 'x.spec'), spec.join('\n'))
    const defines = [`_topdir ${work}`, `_dbpath ${work}/db`, '__os_install_post %{nil}', '_build_id_links none']
    const args = [
      '-bb',
      '--quiet',
      ...(arch ? ['--target', arch] : []),
      ...defines.flatMap(define => ['--define', define]),
      join(work, 'x.spec'),
    ]
    execFileSync('rpmbuild', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    for (const file of globSync(join(work, 'RPMS/*/*.rpm')))
      cpSync(file, join(folder, file.slice(file.lastIndexOf('/'))))
  })
}

const MAINTAINER_SCRIPTS = { pre: 'preinst', post: 'postinst', preun: 'prerm', postun: 'postrm' } as const

/** Builds a DEB and puts it into a folder. */
export function buildDeb(folder: string, recipe: PackageRecipe): void {
  const { name, version = '1.0', requires = [], files = {}, config = [], scripts = {} } = recipe
  inWorkFolder(work => {
    const tree = join(work, 'tree')
    writeTree(tree, files)
    const control = [
      `Package: ${name}`,
      `Version: ${version}-1`,
      'Architecture: all',
      'Maintainer: nobody <nobody@localhost>',
      ...(requires.length > 0
        ? [`Depends: ${requires.map(text => text.replace(/^(\S+) (.+)$/, '$1 ($2)')).join(', ')}`]
        : []),
      'Description: made for a test',
      '',
    ]
    const conffiles = config.map(path => `${path}\n`).join('')
    writeTree(join(tree, 'DEBIAN'), { '/control': control.join('\n'), ...(conffiles && { '/conffiles': conffiles }) })
    for (const [slot, body] of Object.entries(scripts)) {
      const script = MAINTAINER_SCRIPTS[slot as keyof typeof MAINTAINER_SCRIPTS]
      writeTree(join(tree, 'DEBIAN'), { [`/${script}`]: `#!/bin/sh\n${body}\n` })
    }
    const file = join(folder, `${name}_${version}-1_all.deb`)
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', tree, file], { stdio: 'ignore' })
  })
}

function writeTree(tree: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(tree, { recursive: true, mode: 0o755 })
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    writeFileSync(join(tree, path), content, { mode: content.startsWith('#!') ? 0o755 : 0o644 })
  }
}

function inWorkFolder(build: (work: string) => void): void {
  const work = mkdtempSync(join(tmpdir(), 'diskful-build-'))
  try {
    build(work)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
