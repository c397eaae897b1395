import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { DockerComposeEnvironment, type StartedDockerComposeEnvironment, Wait } from 'testcontainers'
import { copyAside, REPO, reachable } from '../support/head-node.ts'
import { metric } from '../support/metrics.ts'
import { freePort, until } from '../support/ports.ts'
import type { Stack } from '../support/stack.ts'

const run = promisify(execFile)
const PROJECT = 'diskful-test'
const CONVERTERS = [1, 2, 3].map(number => `${PROJECT}-converter-${number}`)
const APIS = ['api', 'api2'].map(service => `${PROJECT}-${service}-1`)

/** docker-compose.yml of this checkout with its override for two APIs, scaled to three converters. */
export class ComposeStack implements Stack {
  readonly packages: string
  readonly #environment: StartedDockerComposeEnvironment

  private constructor(packages: string, environment: StartedDockerComposeEnvironment) {
    this.packages = packages
    this.#environment = environment
  }

  static async start(): Promise<ComposeStack> {
    const packages = mkdtempSync(join(tmpdir(), 'diskful-compose-'))
    // The containers' user is not the one of this test.
    chmodSync(packages, 0o755)
    for (const type of ['rpm', 'deb', 'tar', 'installers']) mkdirSync(join(packages, type))
    const ports = { API_PORT: 0, API_OPS_PORT: 0, API2_PORT: 0, API2_OPS_PORT: 0 }
    const environment: Record<string, string> = { CLIENTPKGS_DIR: packages, CACHE_CARE_SECONDS: '5' }
    for (const name of Object.keys(ports)) environment[name] = String(await freePort())
    const compose = new DockerComposeEnvironment(REPO, ['docker-compose.yml', 'docker-compose.two-apis.yml'])
      .withProjectName(PROJECT)
      .withBuild()
      .withEnvironment(environment)
      .withClientOptions({ commandOptions: ['--scale', `converter=${CONVERTERS.length}`] })
      .withDefaultWaitStrategy(Wait.forHealthCheck())
      .withStartupTimeout(180_000)
    return new ComposeStack(packages, await compose.up())
  }

  /** By the containers' own addresses: a published port accepts connections for a container that does not listen yet. */
  async apis(): Promise<string[]> {
    const addresses = await Promise.all(APIS.map(addressOf))
    // A container that is being restarted has none for a moment.
    return addresses.filter(Boolean).map(address => `http://${address}:8080`)
  }

  async add(file: string, name: string): Promise<void> {
    copyAside(file, join(this.packages, 'rpm', basename(file)))
    for (const url of await this.apis()) {
      await until(
        async () => (await reachable(`${url}/api/v1/install/client/download/rpm/${name}`, 'HEAD')) || undefined,
        {
          seconds: 60,
          everyMs: 250,
          otherwise: () => `${url} does not offer ${name}`,
        },
      )
    }
  }

  async conversions(): Promise<number> {
    const texts = await Promise.all(CONVERTERS.map(metricsOf))
    return texts.reduce((sum, text) => sum + metric(text, 'diskful_conversions_total'), 0)
  }

  /** Docker starts a container again whose process died; not one that `docker kill` ended. */
  async killWorkingConverter(): Promise<void> {
    const working = await until(
      async () => {
        for (const name of CONVERTERS) {
          if (metric(await metricsOf(name), 'diskful_conversions_active') > 0) return name
        }
        return undefined
      },
      { seconds: 15, everyMs: 10, otherwise: () => 'no converter works' },
    )
    const { stdout: init } = await run('docker', ['inspect', '-f', '{{.State.Pid}}', working])
    const [node] = readFileSync(`/proc/${init.trim()}/task/${init.trim()}/children`, 'utf8').split(' ')
    process.kill(Number(node), 'SIGKILL')
  }

  async interruptQueue({ seconds, data }: { seconds: number; data: 'kept' | 'lost' }): Promise<void> {
    const name = `${PROJECT}-valkey-1`
    await run('docker', ['kill', name])
    if (data === 'lost') {
      const { stdout: folder } = await run('docker', [
        'volume',
        'inspect',
        '-f',
        '{{.Mountpoint}}',
        `${PROJECT}_valkey`,
      ])
      rmSync(join(folder.trim(), 'appendonlydir'), { recursive: true, force: true })
    }
    await delay(seconds * 1000)
    await run('docker', ['start', name])
  }

  async restartApis(): Promise<void> {
    for (const name of APIS) await restart(name)
  }

  async restartConverters(): Promise<void> {
    for (const name of CONVERTERS) await restart(name)
  }

  async staging(): Promise<string[]> {
    const [name = ''] = CONVERTERS
    const { stdout } = await run('docker', ['exec', name, 'ls', '/cache/staging'])
    return stdout.split('\n').filter(entry => entry !== '' && !entry.endsWith('.owner'))
  }

  /** What `docker inspect` says of a container of the stack. */
  async inspect(service: 'api' | 'converter' | 'valkey'): Promise<ContainerFacts> {
    const { stdout } = await run('docker', ['inspect', `${PROJECT}-${service}-1`])
    const [facts] = JSON.parse(stdout) as [ContainerFacts]
    return facts
  }

  async close(): Promise<void> {
    await this.#environment.down({ removeVolumes: true })
    rmSync(this.packages, { recursive: true, force: true })
  }
}

export interface ContainerFacts {
  Config: { User: string }
  HostConfig: { ReadonlyRootfs: boolean; PortBindings: Record<string, { HostIp: string }[]> | null }
  Mounts: { Destination: string; RW: boolean }[]
}

async function restart(name: string): Promise<void> {
  await run('docker', ['restart', name])
  const healthy = async () => {
    const { stdout } = await run('docker', ['inspect', '-f', '{{.State.Health.Status}}', name])
    return stdout.trim() === 'healthy' || undefined
  }
  await until(healthy, { seconds: 60, everyMs: 250, otherwise: () => `${name} is not healthy` })
}

async function addressOf(name: string): Promise<string> {
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  const { stdout } = await run('docker', ['inspect', '-f', format, name])
  return stdout.trim()
}

/** The converters' ops ports are not published; the host reaches containers by their addresses. */
async function metricsOf(name: string): Promise<string> {
  return await (await fetch(`http://${await addressOf(name)}:8082/metrics`)).text()
}
