import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

// Makes one archive for head nodes without internet: Node, the workspace with its production dependencies, units and
// an install script.      usage: npx pnpm@12 bundle [FOLDER]      (default: dist)

const REPO = resolve(import.meta.dirname, '..')
const SERVICES = ['--filter', '@diskful/api...', '--filter', '@diskful/converter...']
/** What the services run from; a package.json is needed of each member of the workspace, or the lockfile would not match. */
const WORKSPACE = [
  'package.json',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  '.npmrc',
  'preflight.mjs',
  'start.ts',
  'LICENSE',
]
const SOURCES = ['packages', 'services', 'examples/clientpkgs']
const MANIFESTS = ['test/package.json', 'bench/package.json']
/** Libraries of C++ that node needs beyond the libc: taken along for machines that lack them. */
const LIBRARIES = ['libstdc++.so.6', 'libgcc_s.so.1']

main()

function main(): void {
  const { version } = JSON.parse(readFileSync(join(REPO, 'services/api/package.json'), 'utf8')) as { version: string }
  const name = `diskful-${version}-linux-${process.arch}`
  const out = resolve(process.argv[2] ?? join(REPO, 'dist'))
  const work = mkdtempSync(join(tmpdir(), 'diskful-bundle-'))
  try {
    const bundle = join(work, name)
    layWorkspace(join(bundle, 'app'))
    layNode(bundle)
    layScripts(bundle)
    writeFileSync(join(bundle, 'VERSION'), `${version}\n`)
    mkdirSync(out, { recursive: true })
    const archive = join(out, `${name}.tar.gz`)
    pack(work, name, archive)
    process.stdout.write(`${archive}\n`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** The sources that git knows of, and the dependencies that the services have at run time. */
function layWorkspace(app: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--', ...WORKSPACE, ...SOURCES, ...MANIFESTS], { cwd: REPO })
  for (const file of listed.toString().split('\0').filter(needed)) {
    mkdirSync(dirname(join(app, file)), { recursive: true })
    copyFileSync(join(REPO, file), join(app, file))
  }
  const options = ['--frozen-lockfile', '--prod', '--prefer-offline', '--package-import-method', 'copy']
  execFileSync('npx', ['pnpm@12', 'install', ...options, ...SERVICES], { cwd: app, stdio: ['ignore', 2, 2] })
  for (const manifest of MANIFESTS) rmSync(join(app, dirname(manifest)), { recursive: true })
}

/** Sources go along, their tests do not. */
function needed(file: string): boolean {
  return file !== '' && !/^(packages|services)\/[^/]+\/test\//.test(file) && existsSync(join(REPO, file))
}

/** The Node that runs this script. */
function layNode(bundle: string): void {
  mkdirSync(join(bundle, 'node/bin'), { recursive: true })
  mkdirSync(join(bundle, 'node/lib'))
  copyFileSync(process.execPath, join(bundle, 'node/bin/node'))
  const linked = execFileSync('ldd', [process.execPath], { encoding: 'utf8' })
  for (const library of LIBRARIES) {
    const path = linked.match(new RegExp(`^\\s*${library.replaceAll(/[.+]/g, '\\$&')} => (/\\S+)`, 'm'))?.[1]
    if (path !== undefined) copyFileSync(path, join(bundle, 'node/lib', library))
  }
}

function layScripts(bundle: string): void {
  const scripts = join(REPO, 'scripts/bundle')
  mkdirSync(join(bundle, 'bin'))
  copyFileSync(join(scripts, 'diskful.sh'), join(bundle, 'bin/diskful'))
  copyFileSync(join(scripts, 'install.sh'), join(bundle, 'install.sh'))
  copyFileSync(join(scripts, 'install.ts'), join(bundle, 'install.ts'))
  cpSync(join(REPO, 'examples/systemd'), join(bundle, 'systemd'), { recursive: true })
  for (const program of ['bin/diskful', 'install.sh', 'node/bin/node']) chmodSync(join(bundle, program), 0o755)
}

function pack(folder: string, name: string, archive: string): void {
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', '--mode=u=rwX,go=rX']
  execFileSync('tar', ['-C', folder, ...owner, '-czf', archive, name])
}
