import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tablesPart } from '../../services/api/src/installer/tables-part.ts'
import { findTool, requireTool } from '../support/requires.ts'

const PARTS = resolve(import.meta.dirname, '../../services/api/installers/parts')
const SHELLS = [['dash'], ['bash'], ['busybox', 'ash']].filter(([shell]) => findTool(shell!) !== undefined)
const part = (name: string) => readFileSync(join(PARTS, `${name}.sh`), 'utf8')
const BEFORE = `set -u
have() { command -v "$1" >/dev/null 2>&1; }
log() { :; }
warn() { echo "WARN $*"; }
run_logged() { "$@" >/dev/null 2>&1; }
`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskful-parts-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(files: Readonly<Record<string, string | Buffer>>): void {
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), content)
  }
}

function run(shell: readonly string[], parts: readonly string[], script: string, input = ''): string {
  const file = join(folder, 'script')
  writeFileSync(file, [BEFORE, tablesPart(), ...parts.map(part), script].join('\n'))
  const [command, ...args] = shell
  const { stdout, stderr } = spawnSync(command!, [...args, file], { input, encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout
}

describe.each(SHELLS.map(shell => [shell.join(' '), shell] as const))('facts of a node, by %s', (_, shell) => {
  const osOf = (files: Record<string, string | Buffer>) => {
    rmSync(join(folder, 'root'), { recursive: true, force: true })
    mkdirSync(join(folder, 'root/etc'), { recursive: true })
    write(Object.fromEntries(Object.entries(files).map(([file, text]) => [`root${file}`, text])))
    return run(shell, ['facts'], `FACTS_ROOT='${folder}/root'; find_os; printf '%s' "$NODE_OS"`)
  }

  it('finds the OS, whatever is beside it', () => {
    const debian = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'
    const table: [string, Record<string, string>][] = [
      ['debian', { '/etc/os-release': debian }],
      ['debian', { '/usr/lib/os-release': debian }],
      // SONiC keeps Debian's os-release.
      ['sonic', { '/etc/os-release': debian, '/etc/sonic/sonic_version.yml': "build_version: 'x'\n" }],
      ['cumulus', { '/etc/os-release': 'ID=cumulus-linux\nID_LIKE=debian\n', '/etc/debian_version': '10\n' }],
      ['cumulus', { '/etc/os-release': debian, '/etc/lsb-release': 'DISTRIB_ID="Cumulus Linux"\n' }],
      ['rhel', { '/etc/os-release': 'ID="rocky"\nID_LIKE="rhel centos fedora"\n' }],
      ['debian', { '/etc/os-release': '\uFEFFID=debian\r\nNAME=x\r\n' }],
      ['rhel', { '/etc/os-release': 'ID=\'ol\'\nID_LIKE="fedora"\n' }],
      ['rhel', { '/etc/os-release': 'ID=newcomer\nPLATFORM_ID="platform:el10"\nID_LIKE="debian"\n' }],
      ['debian', { '/etc/os-release': 'ID=newcomer\nUBUNTU_CODENAME=noble\nID_LIKE="rhel"\n' }],
      ['rhel', { '/etc/os-release': 'ID=newcomer\nID_LIKE="odd  rhel debian"\n' }],
      ['suse', { '/etc/os-release': 'ID="sles"\nID_LIKE="suse"\n' }],
      ['rhel', { '/etc/redhat-release': 'CentOS release 6.10 (Final)\n' }],
      ['debian', { '/etc/debian_version': '7.0\n' }],
      ['unknown', { '/etc/os-release': 'ID=glenda\n' }],
      ['unknown', {}],
    ]
    for (const [os, files] of table) expect([os, osOf(files)]).toEqual([os, os])
  })

  it('runs nothing of os-release, and survives any bytes in it', () => {
    const mark = join(folder, 'mark')
    const nasty = [
      `ID=$(touch ${mark})`,
      `ID=\`touch ${mark}\``,
      `ID="x"; touch ${mark}`,
      "ID='",
      'ID="',
      'ID=\\',
      'ID=*',
      'ID=-n',
      'ID=%s%n',
    ]
    for (const line of nasty) expect(osOf({ '/etc/os-release': `${line}\n` })).toBe('unknown')
    // Last one wins, as when it is sourced.
    expect(osOf({ '/etc/os-release': 'ID=glenda\nID=debian\n' })).toBe('debian')
    let state = 1
    const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below
    const good = 'NAME="x"\nID="rocky"\nID_LIKE="rhel centos fedora"\nPLATFORM_ID="platform:el9"\n'
    for (let round = 0; round < 25; round++) {
      const bytes = Buffer.from(good)
      for (let change = 0; change < 6; change++) bytes[random(bytes.length)] = 1 + random(255)
      expect(['rhel', 'debian', 'suse', 'cumulus', 'sonic', 'unknown']).toContain(osOf({ '/etc/os-release': bytes }))
    }
    expect(() => readFileSync(mark)).toThrow(/ENOENT/)
  })

  it('sees 32-bit programs on a 64-bit kernel', () => {
    const elf = (bits: number) => Buffer.from([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, 1, 1, 0, 0])
    const archOf = (machine: string, bits: number) => {
      write({ 'root/proc/self/exe': elf(bits) })
      return run(
        shell,
        ['facts'],
        `uname() { echo ${machine}; }; FACTS_ROOT='${folder}/root'; find_arch; echo "$NODE_ARCH $NODE_BITS"`,
      ).trim()
    }
    expect(archOf('x86_64', 64)).toBe('x86_64 64')
    expect(archOf('x86_64', 32)).toBe('i686 32')
    expect(archOf('aarch64', 64)).toBe('aarch64 64')
    expect(archOf('aarch64', 32)).toBe('armv7hl 32')
    expect(archOf('i586', 32)).toBe('i686 32')
    expect(archOf('vax', 32)).toBe('unknown 32')
  })

  it('reads the units that scriptlets name', () => {
    const scriptlets = `
postinstall scriptlet (using /bin/sh):
# systemctl enable commented.service
systemctl enable one.service two >/dev/null 2>&1 || :
systemctl --no-reload preset 'three.timer' "four.socket" &>/dev/null || :
if [ -x x ]; then /usr/bin/systemctl --quiet enable five; fi
systemctl start six.service
systemctl enable "$SEVEN" eight@inst.service \\
  nine.path
/usr/lib/systemd/systemd-update-helper install-system-units ten.service eleven.timer || :
deb-systemd-helper --quiet was-enabled 'twelve.service' && deb-systemd-helper enable 'twelve.service' >/dev/null
systemctl enable --now thirteen
systemctl disable fourteen.service
`
    const units = run(shell, ['services'], 'units_named', scriptlets).trim().split('\n')
    expect(units.sort()).toEqual(
      'one.service two three.timer four.socket five eight@inst.service nine.path ten.service eleven.timer twelve.service thirteen'
        .split(' ')
        .sort(),
    )
  })

  it('warns of a unit that is not there only where somebody expects it', () => {
    const said = (expected: string, chosen: string) =>
      run(
        shell,
        ['services'],
        `say() { echo "SAY $*"; }; ENABLE=yes UNIT_ROOT=${folder} SERVED_SERVICES=absent
         SERVED_SERVICES_EXPECTED=${expected} PACKAGES_CHOSEN=${chosen}; enable_services`,
      )
    expect(said('yes', 'no')).toContain('WARN absent is not on this node')
    expect(said('no', 'no')).toContain('SAY absent is not on this node')
    expect(said('yes', 'yes')).toContain('SAY absent is not on this node')
  })

  it('brings a report again to a head node that is too busy, for so long, and to no other', () => {
    const report = (answers: string) =>
      run(
        shell,
        ['exit-codes', 'http', 'report'],
        `WORK_DIR=${folder} SERVED_BASE_URL=http://x INSTALLER=deb NODE_NAME=n NODE_ARCH=a NODE_OS=o NODE_PKG=p
         WARNINGS=0 FAILURE='' FIRST_WARNING='' ENABLED='' STARTED=0 SERVED_REQUEST_ID=r LOG_FILE=/dev/null
         TAB=x now=1000 answers='${answers}'
         date() { echo "$now"; }; sleep() { now=$((now + $1)); }; log() { echo "$*" | sed 's/ in .*//'; }
         post() { echo post; HTTP_STATUS=\${answers%% *} answers=\${answers#* } HTTP_WHY="HTTP $HTTP_STATUS"; http_pause=1; [ "$HTTP_STATUS" = 200 ]; }
         send_report 0; [ $((now - 1000)) -le 20 ] || echo "took $((now - 1000)) s"`,
      )
        .trim()
        .split('\n')
    const again = 'the report is not taken yet (HTTP 429); again'
    expect(report('429 429 200')).toEqual(['post', again, 'post', again, 'post'])
    expect(report('404')).toEqual(['post', 'the report did not arrive: HTTP 404'])
    expect(report('000')).toEqual(['post', 'the report did not arrive: HTTP 000'])
    const endless = report(Array.from({ length: 60 }, () => '429').join(' '))
    expect(endless.length).toBeGreaterThan(4)
    expect(endless.at(-1)).toBe('the report did not arrive: HTTP 429')
  })

  it('tells why a package tool failed by the line that says most', () => {
    write({ output: 'Error: \n Problem: conflicting requests\n  - nothing provides x needed by y\nError: z\n' })
    const told = (patterns: string) => run(shell, ['packages'], `LAST_OUTPUT='${folder}/output'; told_by ${patterns}`)
    expect(told("'nothing provides' '^Error'")).toBe('- nothing provides x needed by y\n')
    expect(told("'conflicts with' '^Error: *[^ ]'")).toBe('Error: z\n')
    expect(told("'no such'")).toBe('Error: z\n')
    write({ output: '\tpackage x is already installed\n\n' })
    expect(told("'no such'")).toBe('package x is already installed\n')
  })

  it('ends as it would have ended, whatever becomes of its report', () => {
    const end = run(
      shell,
      ['exit-codes', 'report'],
      `WORK_DIR=${folder} SERVED_BASE_URL=http://x INSTALLER=deb NODE_NAME=n NODE_ARCH=a NODE_OS=o NODE_PKG=p REPORT=yes
       DRY_RUN=no WARNINGS=0 FAILURE='' FIRST_WARNING='' ENABLED='' STARTED=0 SERVED_REQUEST_ID=r LOG_FILE=/dev/null
       form_field() { :; }; report_again_in() { return 1; }; post() { echo 'no way to download' >&2; exit 23; }
       conclude 0; echo "and so on"`,
    )
    expect(end).toBe('diskful: 0 installed, 0 already there\nand so on\n')
  })

  describe.skipIf(!requireTool('systemctl'))('units without systemctl', () => {
    const UNITS = {
      'plain.service': '[Install]\nWantedBy=multi-user.target\n',
      'many.service':
        '[Unit]\nWantedBy=no.target\n[Install]\n# WantedBy=no\nWantedBy=multi-user.target graphical.target\nRequiredBy = a.target\nAlias=other.service dbus-x.service\n',
      'also.service': '[Install]\nAlso=plain.service also.socket\nWantedBy=multi-user.target\n',
      'also.socket': '[Install]\nAlso=also.service\nWantedBy=sockets.target\n',
      'temp@.service': '[Install]\nDefaultInstance=d\nWantedBy=multi-user.target\n',
      'bare@.service': '[Install]\nWantedBy=%i.target\n',
      'static.service': '[Service]\nExecStart=/bin/true\n',
      'long.timer': '[Install]\nWantedBy=timers.target \\\n  other.target\n',
    }

    it.each(['plain', 'many', 'also', 'also.socket', 'temp@', 'temp@i', 'bare@k', 'static', 'long.timer'])(
      'makes of %s the links that systemctl makes',
      unit => {
        const service = '[Service]\nExecStart=/bin/true\n'
        for (const root of ['ours', 'theirs']) {
          for (const [name, text] of Object.entries(UNITS)) {
            write({ [`${root}/usr/lib/systemd/system/${name}`]: name.endsWith('.service') ? service + text : text })
          }
        }
        const name = /\.\w+$/.test(unit) ? unit : `${unit}.service`
        execFileSync('systemctl', ['-q', `--root=${folder}/theirs`, 'enable', name], { stdio: 'ignore' })
        const script = `have() { false; }; UNIT_ROOT='${folder}/ours'; ENABLE=yes; enable_unit '${unit}'`
        expect(run(shell, ['services'], script)).toBe('')
        const links = (root: string) =>
          execFileSync('find', [join(folder, root, 'etc'), '-type', 'l', '-printf', '%P %l\n'], { encoding: 'utf8' })
            .split('\n')
            .sort()
        mkdirSync(join(folder, 'ours/etc'), { recursive: true })
        mkdirSync(join(folder, 'theirs/etc'), { recursive: true })
        expect(links('ours')).toEqual(links('theirs'))
      },
    )
  })

  it('has one SHA-256 by every tool', () => {
    const content = Buffer.from([...Array(70_000).keys()].map(i => i % 251))
    write({ file: content })
    const expected = createHash('sha256').update(content).digest('hex')
    const tools = ['sha256sum', 'shasum', 'openssl', 'busybox', 'python3', 'perl'].filter(findTool)
    expect(tools.length).toBeGreaterThan(3)
    for (const tool of tools) {
      const only = `have() { [ "$1" = ${tool} ]; }; sha256_of '${folder}/file'; sha256_works && echo works`
      expect([tool, run(shell, ['checksum'], only)]).toEqual([tool, `${expected}\nworks\n`])
    }
    expect(run(shell, ['checksum'], `have() { false; }; sha256_works || echo none`)).toBe('none\n')
    const fits = (checksums: string, tool: string) =>
      run(
        shell,
        ['checksum'],
        `CHECKSUMS=${checksums}; have() { ${tool}; }; checksum_fits '${folder}/file' ${'0'.repeat(64)} && echo fits || echo not`,
      ).trim()
    expect([fits('yes', 'true'), fits('no', 'true'), fits('yes', 'false'), fits('no', 'false')]).toEqual([
      'not',
      'not',
      'not',
      'fits',
    ])
  })

  it.each([
    ['10.10.1.4', '10.10.1.4'],
    ['10.10.1.4', 'x, 10.0.0.0/8'],
    ['10.10.1.4', '10.10.1.4/32'],
    ['200.1.2.3', '200.1.2.3/1'],
    ['10.10.1.4', '0.0.0.0/0'],
    ['head', '*'],
    ['head.cluster', '.cluster'],
    ['head.cluster', '*.cluster'],
    ['head.cluster', 'cluster'],
  ])('goes past the proxy to %s for no_proxy=%s', (host, list) => {
    expect(exempt(host, list)).toBe('yes\n')
  })

  it.each([
    ['10.10.1.4', ''],
    ['10.10.1.4', '10.10.1.5'],
    ['10.10.1.4', '10.11.0.0/16'],
    ['10.10.1.4', '10.10.1.4/33'],
    ['10.10.1.4', '10.10/16'],
    ['10.10.1.4', '010.0.0.0/8'],
    ['10.10.1.4', '10.0.0.0/$(id)'],
    ['10.10.1.4', '/8'],
    ['head', '10.0.0.0/8'],
    ['10.10.1.4.x', '10.0.0.0/8'],
    ['fe80::1', '10.0.0.0/8'],
    ['overhead', 'head'],
  ])('goes by the proxy to %s for no_proxy=%s', (host, list) => {
    expect(exempt(host, list)).toBe('no\n')
  })

  function exempt(host: string, list: string): string {
    return run(shell, ['http'], `no_proxy='${list}'; if http_is_exempt '${host}'; then echo yes; else echo no; fi`)
  }

  it('encodes any text for a form', () => {
    const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')
    write({ text: `${printable}\nsecond\tline` })
    const encoded = run(shell, ['http'], `url_text "$(cat '${folder}/text')"`)
    expect(new URLSearchParams(`x=${encoded}`).get('x')).toBe(`${printable}\nsecond line`)
    write({ text: 'caf\u00e9\u001b[31m' })
    expect(run(shell, ['http'], `url_text "$(cat '${folder}/text')"`)).toBe('caf%5B31m')
  })
})
