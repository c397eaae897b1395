import { rmSync, symlinkSync } from 'node:fs'
import type { Network } from './network.ts'
import { Node } from './node.ts'

export type System = 'debian' | 'rhel' | 'sonic' | 'cumulus' | 'unknown'
export type Client = 'curl' | 'wget' | 'busybox' | 'python3'
export type Shell = 'dash' | 'bash' | 'busybox'

/** A node that looks like one system, with one shell as /bin/sh and one way to download. */
export function lookalike(network: Network, system: System, client: Client = 'curl', shell: Shell = 'dash'): Node {
  const node = new Node(system === 'rhel' ? 'rocky' : 'debian', network)
  if (system === 'sonic') {
    node.write('/etc/sonic/sonic_version.yml', "build_version: '202405.1'\ndebian_version: '12.5'\nasic_type: vs\n")
  }
  if (system === 'cumulus') {
    node.write(
      '/usr/lib/os-release',
      'NAME="Cumulus Linux"\nID=cumulus-linux\nID_LIKE=debian\nVERSION_ID=5.9.0\nPRETTY_NAME="Cumulus Linux"\n',
    )
  }
  if (system === 'unknown') {
    node.write('/usr/lib/os-release', 'NAME="Glenda"\nID=glenda\n').remove('/etc/debian_version', '/var/lib/dpkg')
    node.remove(
      ...['dpkg', 'dpkg-query', 'dpkg-deb', 'apt-get', 'apt', 'dnf', 'zypper'].map(tool => `/usr/bin/${tool}`),
    )
  }
  useShell(node, shell)
  useClient(node, client, shell)
  return node
}

export function useShell(node: Node, shell: Shell): void {
  rmSync(node.path('/usr/bin/sh'))
  symlinkSync(shell, node.path('/usr/bin/sh'))
}

/** Takes away what the installers would take before this client; perl and bash are behind all of them. */
function useClient(node: Node, client: Client, shell: Shell): void {
  const before = { curl: [], wget: ['curl'], busybox: ['curl', 'wget'], python3: ['curl', 'wget', 'busybox'] }[client]
  if (before.some(tool => tool === shell)) throw new Error(`no ${client} only where ${shell} is the shell`)
  node.remove(...before.map(tool => `/usr/bin/${tool}`))
}

/** How a person with this client gets a file. */
export function downloadLine(client: Client, url: string, file: string): string {
  switch (client) {
    case 'curl':
      return `curl -o ${file} ${url}`
    case 'wget':
      return `wget -q -O ${file} ${url}`
    case 'busybox':
      return `busybox wget -q -O ${file} ${url}`
    case 'python3':
      return `python3 -c "import urllib.request as u; u.urlretrieve('${url}', '${file}')"`
  }
}

/** Has systemctl note what it is told, and whether starting was held back, in /var/log/systemctl. */
export function watchSystemctl(node: Node, version?: number): Node {
  const real = '/usr/libexec/systemctl.real'
  node.copyIn(node.path('/usr/bin/systemctl'), real)
  const answer = version === undefined ? '' : `[ "$1" != --version ] || { echo 'systemd ${version}'; exit 0; }\n`
  return node.write(
    '/usr/bin/systemctl',
    `#!/bin/sh\n${answer}echo "offline=\${SYSTEMD_OFFLINE:-0} $*" >>/var/log/systemctl\nexec ${real} "$@"\n`,
    0o755,
  )
}

/** What of /var/log/systemctl started something. */
export function startsSeen(node: Node): string[] {
  if (!node.has('/var/log/systemctl')) return []
  const lines = node.read('/var/log/systemctl').trim().split('\n')
  return lines.filter(line => /^offline=0 (.* )?(re)?start\b|--now/.test(line) && !line.startsWith('offline=1'))
}

/** Shell for a process that holds a lock as rpm and dpkg do, for so long, and goes on once it has it. */
export function heldLock(file: string, seconds: number): string {
  const python = `import fcntl, time; f = open("${file}", "w"); fcntl.lockf(f, fcntl.LOCK_EX); open("/run/held", "w"); time.sleep(${seconds})`
  return `rm -f /run/held; python3 -c '${python}' & while [ ! -e /run/held ]; do sleep 0.1; done;`
}
