import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

// Runs from an unpacked bundle, with the Node in it. Uses no program that a bare system may lack.

const HELP = `usage: install.sh [--prefix DIR] [--root DIR] [--uninstall]
  --prefix DIR   where Diskful goes (default: /opt/diskful); the units name it
  --root DIR     install below DIR, an image or a chroot, instead of this system

Installs or upgrades the program, its systemd units and /etc/diskful/diskful.env. An environment file that is there
stays as it is; nothing is started or enabled. Own changes to the units belong into drop-ins (systemctl edit).

  --uninstall    stop the services and remove program and units; the environment file, cache, state and user stay
`
const BUNDLE = import.meta.dirname
/** Links of `systemctl enable`. */
const ENABLED = /^diskful(-api|-converter@.*)?\.service$/
const UNITS = ['diskful.service', 'diskful-api.service', 'diskful-converter@.service']

main()

function main(): void {
  const { values } = parseArgs({
    options: {
      prefix: { type: 'string', default: '/opt/diskful' },
      root: { type: 'string', default: '/' },
      uninstall: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const prefix = resolve('/', values.prefix)
  const inRoot = (path: string) => join(resolve(values.root), path)
  const onThisSystem = resolve(values.root) === '/'
  if (values.uninstall) {
    uninstall(inRoot, prefix, onThisSystem)
    return
  }
  const upgraded = installProgram(inRoot(prefix))
  installUnits(inRoot('/etc/systemd/system'), prefix)
  const environment = installEnvironment(inRoot('/etc/diskful'))
  installUser(inRoot('/usr/lib/sysusers.d'))
  if (onThisSystem) {
    run('systemd-sysusers', [], 'create the user diskful before the start')
    run('systemctl', ['daemon-reload'], 'run systemctl daemon-reload where systemd runs')
  }
  say(`Installed ${readFileSync(join(BUNDLE, 'VERSION'), 'utf8').trim()} in ${prefix}.`)
  if (upgraded) say("It takes the place of an older one, which runs on until: systemctl try-restart 'diskful*'")
  else say(`Look through ${environment}, then: systemctl enable --now diskful`)
}

/**
 * Beside the old program first, then in its place: a running one keeps its files until it is restarted.
 * @returns whether there was an old one
 */
function installProgram(prefix: string): boolean {
  const next = `${prefix}.new`
  const last = `${prefix}.old`
  rmSync(next, { recursive: true, force: true })
  rmSync(last, { recursive: true, force: true })
  mkdirSync(next, { recursive: true })
  for (const entry of ['app', 'bin', 'node', 'systemd', 'VERSION']) {
    cpSync(join(BUNDLE, entry), join(next, entry), { recursive: true, verbatimSymlinks: true })
  }
  const upgrades = existsSync(prefix)
  if (upgrades) renameSync(prefix, last)
  renameSync(next, prefix)
  rmSync(last, { recursive: true, force: true })
  return upgrades
}

/** What an admin wrote or filled stays. */
function uninstall(inRoot: (path: string) => string, prefix: string, onThisSystem: boolean): void {
  if (onThisSystem) run('systemctl', ['stop', 'diskful*.service'], 'stop the services yourself')
  const units = inRoot('/etc/systemd/system')
  for (const unit of UNITS) rmSync(join(units, unit), { force: true })
  const wanted = join(units, 'multi-user.target.wants')
  const enabled = existsSync(wanted) ? readdirSync(wanted).filter(name => ENABLED.test(name)) : []
  for (const name of enabled) rmSync(join(wanted, name))
  rmSync(inRoot('/usr/lib/sysusers.d/diskful.conf'), { force: true })
  rmSync(inRoot(prefix), { recursive: true, force: true })
  if (onThisSystem) run('systemctl', ['daemon-reload'], 'run systemctl daemon-reload where systemd runs')
  say(`Removed ${prefix} and its units. /etc/diskful, /var/cache/diskful, /var/lib/diskful and the user diskful stay.`)
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
