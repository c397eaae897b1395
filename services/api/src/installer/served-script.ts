import { createHash } from 'node:crypto'
import { INSTALLERS, type InstallerName } from './choices.ts'
import { shellComment, shellQuoted } from './shell-text.ts'

/** What a served script knows of the request and of the head node; services/api/installers/README.md says what each is. */
export interface ServedBlock {
  installer: InstallerName
  baseUrl: string
  arch: string
  os: string
  pkg: string
  packages: readonly string[]
  packagesChosen: boolean
  services: readonly string[]
  servicesExpected: boolean
  report: boolean
  waitSeconds: number
  why: string
}

const BLOCK_BEGIN = '# The served block.'
const BLOCK_END = '# End of the served block.'
const SUM_LINE = '# sha256 of all lines below this one: '

/** One of our own scripts. The brace group around it makes a cut one a syntax error: it does nothing. */
export function servedScript(block: ServedBlock, body: string): string {
  const below = ['{', ...blockLines(block), '', body.trimEnd(), '', 'main "$@"; exit; }', ''].join('\n')
  return withHead('#!/bin/sh', block, below)
}

/** An admin's script with our block after its `#!` line; the head and block of a saved copy of ours are replaced. */
export function servedOverride(block: ServedBlock, text: string): string {
  const lines = text.replaceAll('\r\n', '\n').split('\n')
  const shebang = lines[0]?.startsWith('#!') ? lines.shift()! : '#!/bin/sh'
  const own = withoutOurHead(lines)
  const below = [...blockLines(block), ...own].join('\n').replace(/\n*$/, '\n')
  return withHead(shebang, block, below)
}

function withHead(shebang: string, block: ServedBlock, below: string): string {
  const { log, title } = INSTALLERS[block.installer]
  const head = [
    `diskful: ${title}, for arch=${block.arch} os=${block.os} pkg=${block.pkg}`,
    `diskful: chosen because ${block.why}`,
    `diskful: run it as root; it logs to /tmp/${log}; --help lists options and exit codes`,
    SUM_LINE.slice(2) + createHash('sha256').update(below).digest('hex'),
  ]
  return [shebang, ...head.map(shellComment), below].join('\n')
}

function blockLines(block: ServedBlock): string[] {
  const values = {
    SERVED_BASE_URL: block.baseUrl,
    SERVED_INSTALLER: block.installer,
    SERVED_LOG: INSTALLERS[block.installer].log,
    SERVED_ARCH: block.arch,
    SERVED_OS: block.os,
    SERVED_PKG: block.pkg,
    SERVED_PACKAGES: block.packages.join(' '),
    SERVED_PACKAGES_CHOSEN: block.packagesChosen ? 'yes' : 'no',
    SERVED_SERVICES: block.services.join(' '),
    SERVED_SERVICES_EXPECTED: block.servicesExpected ? 'yes' : 'no',
    SERVED_REPORT: block.report ? 'yes' : 'no',
    SERVED_WAIT_SECONDS: String(block.waitSeconds),
  }
  const assignments = Object.entries(values).map(([name, value]) => `${name}=${shellQuoted(value)}`)
  return [BLOCK_BEGIN, ...assignments, BLOCK_END]
}

function withoutOurHead(lines: readonly string[]): string[] {
  const begin = lines.indexOf(BLOCK_BEGIN)
  const end = lines.indexOf(BLOCK_END, begin)
  const rest = begin < 0 || end < 0 ? lines : [...lines.slice(0, begin), ...lines.slice(end + 1)]
  return rest.filter((line, index) => index > 5 || !(line.startsWith('# diskful: ') || line.startsWith(SUM_LINE)))
}
