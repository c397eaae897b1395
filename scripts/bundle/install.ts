import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

// Runs from an unpacked bundle, with the Node in it. Uses no program that a bare system may lack.

const HELP = `usage: install.sh [--prefix DIR] [--root DIR]
  --prefix DIR   where Diskful goes (default: /opt/diskful); the units name it
  --root DIR     install below DIR, an image or a chroot, instead of this system

Installs or upgrades the program, its systemd units and /etc/diskful/diskful.env. An environment file that is there
stays as it is; nothing is started or enabled.
`
const BUNDLE = import.meta.dirname
const UNITS = ['diskful.service', 'diskful-api.service', 'diskful-converter@.service']

main()

function main(): void {
  const { values } = parseArgs({
    options: {
      prefix: { type: 'string', default: '/opt/diskful' },
      root: { type: 'string', default: '/' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const prefix = resolve('/', values.prefix)
  const inRoot = (path: string) => join(resolve(values.root), path)
  installProgram(inRoot(prefix))
  installUnits(inRoot('/etc/systemd/system'), prefix)
  const environment = installEnvironment(inRoot('/etc/diskful'))
  installUser(inRoot('/usr/lib/sysusers.d'))
  if (values.root === '/') {
    run('systemd-sysusers', [], 'create the user diskful before the start')
    run('systemctl', ['daemon-reload'], 'run systemctl daemon-reload where systemd runs')
  }
  say(`Installed ${readFileSync(join(BUNDLE, 'VERSION'), 'utf8').trim()} in ${prefix}.`)
  say(`Look through ${environment}, then: systemctl enable --now diskful`)
}

/** Beside the old program first, then in its place: a running one keeps its files until it is restarted. */
function installProgram(prefix: string): void {
  const next = `${prefix}.new`
  const last = `${prefix}.old`
  rmSync(next, { recursive: true, force: true })
  rmSync(last, { recursive: true, force: true })
  mkdirSync(next, { recursive: true })
  for (const entry of ['app', 'bin', 'node', 'systemd', 'VERSION']) {
    cpSync(join(BUNDLE, entry), join(next, entry), { recursive: true, verbatimSymlinks: true })
  }
  if (existsSync(prefix)) renameSync(prefix, last)
  renameSync(next, prefix)
  rmSync(last, { recursive: true, force: true })
}

function installUnits(folder: string, prefix: string): void {
  mkdirSync(folder, { recursive: true })
  for (const unit of UNITS) {
    const text = readFileSync(join(BUNDLE, 'systemd', unit), 'utf8').replaceAll('/opt/diskful/', `${prefix}/`)
    writeFileSync(join(folder, unit), text)
    chmodSync(join(folder, unit), 0o644)
  }
}

function installEnvironment(folder: string): string {
  const file = join(folder, 'diskful.env')
  mkdirSync(folder, { recursive: true })
  // It may come to hold a token.
  if (!existsSync(file)) {
    copyFileSync(join(BUNDLE, 'systemd/diskful.env'), file)
    chmodSync(file, 0o600)
  }
  return file
}

function installUser(folder: string): void {
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(BUNDLE, 'systemd/diskful.sysusers'), join(folder, 'diskful.conf'))
  chmodSync(join(folder, 'diskful.conf'), 0o644)
}

function run(command: string, args: string[], otherwise: string): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (error !== undefined || status !== 0) say(`${basename(command)} did not run: ${otherwise}.`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
