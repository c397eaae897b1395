import { describe, expect, it } from 'vitest'
import { scenarios } from '../scenarios/scenarios.ts'
import { requireDocker, requireTool } from '../support/requires.ts'
import { ComposeStack } from './compose-stack.ts'

describe.skipIf(!requireDocker() || !requireTool('rpmbuild'))(
  'docker-compose.yml, two APIs and three converters',
  () => {
    let stack: ComposeStack
    scenarios(
      async () => {
        stack = await ComposeStack.start()
        return stack
      },
      { requests: 300, packages: 20 },
    )

    it.each(['api', 'converter', 'valkey'] as const)(
      'runs %s without root on a root file system it cannot write',
      async name => {
        const { Config, HostConfig } = await stack.inspect(name)
        expect(Config.User).toMatch(/^[1-9]\d*:[1-9]\d*$/)
        expect(HostConfig.ReadonlyRootfs).toBe(true)
      },
    )

    it('lets only converters write the cache, and nobody the packages', async () => {
      const writable = async (service: 'api' | 'converter') =>
        Object.fromEntries((await stack.inspect(service)).Mounts.map(({ Destination, RW }) => [Destination, RW]))
      expect(await writable('api')).toEqual({ '/cache': false, '/clientpkgs': false, '/state': true })
      expect(await writable('converter')).toEqual({ '/cache': true, '/clientpkgs': false })
    })

    it('publishes the API, its ops port on the loopback, and nothing else', async () => {
      const published = async (service: 'api' | 'converter' | 'valkey') => {
        const bindings = (await stack.inspect(service)).HostConfig.PortBindings ?? {}
        return Object.entries(bindings).map(([port, [host]]) => `${port} ${host?.HostIp ?? ''}`.trim())
      }
      expect((await published('api')).toSorted()).toEqual(['8080/tcp', '8081/tcp 127.0.0.1'])
      expect(await published('converter')).toEqual([])
      expect(await published('valkey')).toEqual([])
    })
  },
)
