import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type BoundedFigure, boundsTable } from './bounds.ts'
import { highWaterMark, median } from './measured-run.ts'
import type { BenchPackage } from './packages.ts'
import { megabytes, ratio, table } from './table.ts'

const run = promisify(execFile)
const repository = fileURLToPath(new URL('../..', import.meta.url))
const client = '/api/v1/install/client'

/** Throughput of the same file from nginx and from the API, medians of interleaved rounds. */
export interface ServingRow {
  what: string
  diskful: number
  nginx: number
  unit: 'MB/s' | 'requests/s'
  ratio: number
}

export interface ServingFigures {
  rows: ServingRow[]
  /** Requests per second of small answers; the API has one core to itself, wrk another. */
  small: { what: string; requestsPerSecond: number }[]
  /** Resident memory of the API, bytes, while 1,000 clients read slowly. */
  slowClients: { clients: number; peakRss: number }
  /** Descriptors of the API before and after 100 downloads that were cut. */
  abortedDownloads: { before: number; after: number }
}

/** Issue 4's bounds beside what was measured. */
export function servingTables({ rows, small, slowClients, abortedDownloads }: ServingFigures): string {
  const throughput = table(rows, [
    { head: 'load', cell: row => row.what },
    { head: 'diskful MB/s', cell: row => megabytes(row.diskful), align: 'right' },
    { head: 'nginx MB/s', cell: row => megabytes(row.nginx), align: 'right' },
    { head: 'ratio', cell: row => ratio(row.ratio), align: 'right' },
  ])
  const bounded: BoundedFigure[] = [
    ...rows.map(row => ({
      what: `a cached TAR, ${row.what}, ratio to nginx`,
      figure: ratio(row.ratio),
      bound: '≥ 0.70',
      holds: row.ratio >= 0.7,
    })),
    ...small.map(({ what, requestsPerSecond }) => ({
      what: `${what}, requests/s on one core`,
      figure: requestsPerSecond.toFixed(0),
      bound: '≥ 5000',
      holds: requestsPerSecond >= 5000,
    })),
    {
      what: `${slowClients.clients} slow clients, MB resident`,
      figure: megabytes(slowClients.peakRss),
      bound: '< 300',
      holds: slowClients.peakRss < 300e6,
    },
    {
      what: 'descriptors left by 100 aborted downloads',
      figure: String(abortedDownloads.after - abortedDownloads.before),
      bound: '0',
      holds: abortedDownloads.after <= abortedDownloads.before,
    },
  ]
  return `${throughput}\n\n${boundsTable(bounded)}`
}

interface Options {
  folder: string
  rounds: number
  say: (line: string) => void
}

/** Starts the service and an nginx on free ports of this machine, lets wrk ask both in turn, and stops both. */
export async function servingFigures(pack: BenchPackage, options: Options): Promise<ServingFigures> {
  const root = join(options.folder, 'service')
  rmSync(root, { recursive: true, force: true })
  const packages = join(root, 'clientpkgs')
  for (const type of ['rpm', 'deb', 'tar']) mkdirSync(join(packages, type), { recursive: true })
  linkSync(pack.rpm, join(packages, 'rpm', `${pack.name}.rpm`))

  const service = await startService(root, packages)
  try {
    const name = `bench-${pack.name}`
    const path = `${client}/download/tar/${name}`
    await untilListed(`${service.origin}${client}/download/rpm/${name}`)
    const answer = await fetch(`${service.origin}${path}`)
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    await answer.body?.pipeTo(new WritableStream())

    const nginx = await startNginx(root, cachedTar(join(root, 'cache')))
    try {
      return {
        rows: [
          await compare('one client', 1, service.origin + path, nginx.url, options),
          await compare('50 clients', 50, service.origin + path, nginx.url, options),
        ],
        slowClients: await slowClients(service, path, 1000),
        abortedDownloads: await abortedDownloads(service, path, 100),
        small: await smallAnswers(service, name, options),
      }
    } finally {
      await stop(nginx.process)
    }
  } finally {
    await stop(service.process)
    rmSync(root, { recursive: true, force: true })
  }
}

export interface Service {
  process: ChildProcess
  pid: number
  port: number
  origin: string
}

/** `opsPort` is the API's; the converter takes the next one. */
export async function startService(root: string, packages: string, opsPort = 0): Promise<Service> {
  const port = await freePort()
  // As package.json's `start` does.
  const flags = ['--max-semi-space-size=8', '--import', join(repository, 'preflight.mjs')]
  const child = spawn(process.execPath, [...flags, join(repository, 'start.ts')], {
    cwd: repository,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      HOST: '127.0.0.1',
      PORT: String(port),
      OPS_PORT: String(opsPort),
      CLIENTPKGS_DIR: packages,
      CACHE_DIR: join(root, 'cache'),
      STATE_DIR: join(root, 'state'),
      LOG_LEVEL: 'warn',
    },
  })
  const origin = `http://127.0.0.1:${port}`
  await until(`${origin}/healthz`, async () => (await fetch(`${origin}/healthz`)).ok)
  return { process: child, pid: child.pid!, port, origin }
}

async function startNginx(root: string, tar: string): Promise<{ process: ChildProcess; url: string }> {
  const folder = join(root, 'nginx')
  mkdirSync(join(folder, 'html'), { recursive: true })
  copyFileSync(tar, join(folder, 'html', 'file.tar.gz'))
  const port = await freePort()
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(kind => `${kind}_temp_path ${folder}/${kind};`)
    .join(' ')
  writeFileSync(
    join(folder, 'nginx.conf'),
    // The benchmark runs as root, whose files a `nobody` could not read.
    `user root; worker_processes 2; daemon off; pid ${folder}/pid; error_log stderr crit;
events { worker_connections 2048; }
http { access_log off; sendfile on; tcp_nopush on; ${temp}
  server { listen 127.0.0.1:${port}; root ${folder}/html; } }
`,
  )
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}/file.tar.gz`
  await until(url, async () => (await fetch(url, { method: 'HEAD' })).ok)
  return { process: child, url }
}

async function compare(
  what: string,
  clients: number,
  ours: string,
  theirs: string,
  options: Options,
): Promise<ServingRow> {
  const diskful: number[] = []
  const nginx: number[] = []
  for (let round = 0; round < options.rounds; round++) {
    diskful.push((await wrk(ours, clients)).bytesPerSecond)
    nginx.push((await wrk(theirs, clients)).bytesPerSecond)
    options.say(`serving ${what} round ${round + 1}: ${mb(diskful.at(-1)!)} MB/s, nginx ${mb(nginx.at(-1)!)} MB/s`)
  }
  return { what, diskful: median(diskful), nginx: median(nginx), unit: 'MB/s', ratio: median(diskful) / median(nginx) }
}

/** What a pre-installer posts, shortened. */
const FACTS = 'arch=x86_64&os=rocky&pkg=rpm&rpm=works&dpkg=absent&kernel=5.14.0-503.el9&node=n0017'

async function smallAnswers(service: Service, name: string, options: Options): Promise<ServingFigures['small']> {
  const post = join(options.folder, 'service', 'post.lua')
  writeFileSync(
    post,
    `wrk.method = "POST"\nwrk.body = "${FACTS}"\nwrk.headers["Content-Type"] = "application/x-www-form-urlencoded"\n`,
  )
  const asked: readonly (readonly [what: string, path: string, ...args: string[]])[] = [
    ['.sha256 of a cached TAR', `/download/tar/${name}.sha256`],
    ['.sha256 of an RPM', `/download/rpm/${name}.sha256`],
    ['pre-installer', '/installer'],
    ['RPM installer', '/installer?pkg=rpm&os=rhel&arch=x86_64'],
    ['TAR installer', '/installer?pkg=tar&arch=x86_64'],
    ['installer for posted facts', '/installer', '-s', post],
  ]
  const others = availableParallelism() > 1 ? ['taskset', '-c', '1-1023'] : []
  await run('taskset', ['-apc', '0', String(service.pid)])
  const small: ServingFigures['small'] = []
  for (const [what, path, ...args] of asked) {
    const figures: number[] = []
    for (let round = 0; round < options.rounds; round++) {
      const by = [...others, 'wrk', ...args]
      figures.push((await wrk(`${service.origin}${client}${path}`, 16, by)).requestsPerSecond)
    }
    options.say(`serving ${what}: ${median(figures).toFixed(0)} requests/s`)
    small.push({ what, requestsPerSecond: median(figures) })
  }
  return small
}

/** wrk on one thread for two seconds; a failed request makes the figure void. */
export async function wrk(
  url: string,
  connections: number,
  [program, ...args]: readonly string[] = ['wrk'],
): Promise<{ bytesPerSecond: number; requestsPerSecond: number }> {
  const load = ['-t1', `-c${connections}`, '-d2s', '--timeout', '30s', url]
  const { stdout } = await run(program!, [...args, ...load])
  if (/Non-2xx|Socket errors: connect [1-9]/.test(stdout)) throw new Error(`wrk ${url}:\n${stdout}`)
  const [, amount, unit] = /Transfer\/sec:\s+([\d.]+)([KMG]?)B/.exec(stdout) ?? []
  const requests = /Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]
  const scale = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[unit ?? ''] ?? 1
  return { bytesPerSecond: Number(amount) * scale, requestsPerSecond: Number(requests) }
}

/** Clients that take 64 KiB and then a breath, for ten seconds: what a congested network looks like from here. */
async function slowClients(service: Service, path: string, clients: number): Promise<ServingFigures['slowClients']> {
  const sockets = await Promise.all(
    Array.from({ length: clients }, async () => {
      const socket = connect(service.port, '127.0.0.1')
      await once(socket, 'connect')
      socket.on('error', () => socket.destroy())
      socket.on('data', () => {
        socket.pause()
        setTimeout(() => socket.resume(), 500)
      })
      socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`)
      return socket
    }),
  )
  let peakRss = 0
  for (let i = 0; i < 50; i++) {
    await sleep(200)
    const rss = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${service.pid}/status`, 'latin1'))?.[1]
    peakRss = Math.max(peakRss, Number(rss) * 1024)
  }
  for (const socket of sockets) socket.destroy()
  return { clients, peakRss: peakRss || highWaterMark(service.pid) }
}

async function abortedDownloads(
  service: Service,
  path: string,
  downloads: number,
): Promise<ServingFigures['abortedDownloads']> {
  await sleep(1000)
  const before = readdirSync(`/proc/${service.pid}/fd`).length
  for (let i = 0; i < downloads; i++) {
    const leaving = new AbortController()
    const answer = await fetch(service.origin + path, { signal: leaving.signal })
    await answer.body?.getReader().read()
    leaving.abort()
  }
  await sleep(1500)
  return { before, after: readdirSync(`/proc/${service.pid}/fd`).length }
}

function cachedTar(cache: string): string {
  const folder = join(cache, 'tar')
  const [key] = readdirSync(folder)
  const file = key && readdirSync(join(folder, key)).find(name => name !== 'meta.json')
  if (!file) throw new Error(`no TAR below ${folder}`)
  return join(folder, key, file)
}

export async function untilListed(url: string): Promise<void> {
  await until(url, async () => (await fetch(url, { method: 'HEAD' })).ok)
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  let last: unknown
  while (Date.now() < deadline) {
    try {
      if (await holds()) return
    } catch (error) {
      last = error
    }
    await sleep(100)
  }
  throw new Error(`${what} did not answer within 20 s`, { cause: last })
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return address.port
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(0)
