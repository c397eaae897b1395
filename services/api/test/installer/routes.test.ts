import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { FileReportLog } from '../../src/installer/report-file.ts'
import { TestService } from '../support/test-service.ts'

let service: TestService
const client = (path: string) => service.url(`/api/v1/install/client${path}`)
const post = (path: string, body: string | Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(client(path), { method: 'POST', body: typeof body === 'string' ? body : new URLSearchParams(body), headers })
const override = async (file: string, text: string) => {
  await mkdir(join(service.catalog.folder, 'installers'), { recursive: true })
  await writeFile(join(service.catalog.folder, 'installers', file), text)
}

beforeEach(async () => {
  service = await TestService.start({ clientPackages: ['node'], enableServices: ['x', 'y'] })
})
afterEach(() => service.stop())

describe('GET /installer', () => {
  it('is a script that says which it is and why, in its head and in the headers, and is never kept', async () => {
    const answer = await fetch(client('/installer'))
    expect(answer.status).toBe(200)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/x-shellscript; charset=utf-8',
      'cache-control': 'no-store',
      'x-diskful-installer': 'preinstaller',
      'x-diskful-why': 'the request names neither arch nor os nor pkg',
    })
    const text = await answer.text()
    expect(text).toMatch(/^#!\/bin\/sh\n# diskful: the pre-installer, .*\n# diskful: chosen because the request names/)
    expect(text).toContain(`SERVED_BASE_URL='http://127.0.0.1:${service.port}/api/v1/install/client'\n`)
    expect(text).toContain("SERVED_SERVICES='x y'\n")
    expect(text).toMatch(/\nmain "\$@"; exit; }\n$/)
  })

  it('takes the address from PUBLIC_URL, or the Host that came, and nothing else', async () => {
    const head = await service.raw(
      'GET /api/v1/install/client/installer?pkg=deb HTTP/1.1\r\nHost: head-1:8080\r\nX-Forwarded-Host: evil\r\nConnection: close\r\n\r\n',
    )
    expect(head).toContain("SERVED_BASE_URL='http://head-1:8080/api/v1/install/client'")
    const odd = await service.raw(
      "GET /api/v1/install/client/installer?pkg=deb HTTP/1.1\r\nHost: a';id;'\r\nConnection: close\r\n\r\n",
    )
    expect(odd).toContain(`SERVED_BASE_URL='http://127.0.0.1:${service.port}/api/v1/install/client'`)
  })

  it('goes by the stock for whom only names the OS', async () => {
    const chosen = async () =>
      (await fetch(client('/installer?os=debian&arch=x86_64'))).headers.get('x-diskful-installer')
    expect(await chosen()).toBe('tar')
    await service.catalog.add('deb', 'node.deb', 'x', { name: 'node', arch: 'amd64' })
    expect(await chosen()).toBe('deb')
  })

  it('answers an error as a script that prints it and fails', async () => {
    const answer = await fetch(client('/installer?packages=..%2Fx'))
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toMatch(/^text\/x-shellscript/)
    const run = () => execFileSync('sh', { input: text, stdio: 'pipe' })
    const text = await answer.text()
    expect(run).toThrow(expect.objectContaining({ status: 31, stderr: expect.objectContaining({}) }))
  })

  it('takes the first of a parameter that stands twice, and all of packages', async () => {
    const answer = await fetch(client('/installer?arch=arm64&arch=x86_64&pkg=rpm&pkg=deb&packages=a&packages=b,c'))
    expect(answer.headers.get('x-diskful-installer')).toBe('rpm')
    const text = await answer.text()
    expect(text).toContain("SERVED_ARCH='aarch64'")
    expect(text).toContain("SERVED_PACKAGES='a b c'")
  })

  it("serves an admin's own script, the most specific one, with our block in it", async () => {
    await override('rpm.sh', '#!/bin/bash\necho any "$SERVED_OS"\n')
    await override('rpm-rhel.sh', '#!/bin/sh\necho rhel "$SERVED_ARCH" "$SERVED_BASE_URL"\n')
    const answer = await fetch(client('/installer?os=rocky&pkg=rpm&arch=amd64'))
    expect(answer.headers.get('x-diskful-override')).toBe('rpm-rhel.sh')
    const text = await answer.text()
    expect(execFileSync('sh', { input: text, encoding: 'utf8' })).toBe(
      `rhel x86_64 http://127.0.0.1:${service.port}/api/v1/install/client\n`,
    )
    const other = await fetch(client('/installer?os=suse&pkg=rpm'))
    expect(await other.text()).toMatch(/^#!\/bin\/bash\n# diskful/)
    await override('preinstaller.sh', 'echo mine')
    expect(await (await fetch(client('/installer'))).text()).toContain('echo mine\n')
    expect(await (await fetch(client('/installer?pkg=tar'))).text()).not.toContain('echo mine')
  })

  it('is the same bytes for the same question, and another script as soon as an own one changes', async () => {
    const served = async () => (await fetch(client('/installer?pkg=rpm&os=suse'))).text()
    const ours = await served()
    expect(await served()).toBe(ours)
    await override('rpm.sh', 'echo one\n')
    expect(await served()).toContain('echo one\n')
    await override('rpm.sh', 'echo two\n')
    expect(await served()).toContain('echo two\n')
    await rm(join(service.catalog.folder, 'installers/rpm.sh'))
    expect(await served()).toBe(ours)
  })

  it('does not serve an empty file, which every node would take for success', async () => {
    await override('tar.sh', '')
    const answer = await fetch(client('/installer?pkg=tar'))
    expect(answer.headers.get('x-diskful-override')).toBeNull()
    expect(await answer.text()).toContain('tar_install')
    await override('tar.sh', 'echo mine\n')
    expect((await fetch(client('/installer?pkg=tar'))).headers.get('x-diskful-override')).toBe('tar.sh')
  })

  it('takes nothing but a file for a script: a FIFO would never end', async () => {
    await mkdir(join(service.catalog.folder, 'installers'), { recursive: true })
    execFileSync('mkfifo', [join(service.catalog.folder, 'installers/deb.sh')])
    expect((await fetch(client('/installer?pkg=deb'))).headers.get('x-diskful-override')).toBeNull()
  })
})

describe('POST /installer', () => {
  it('takes facts, answers an installer, and logs the facts without control characters', async () => {
    const answer = await post('/installer', { arch: 'x86_64', os: 'glenda', pkg: 'rpm', kernel: 'a\x1b[31mb\r\nc' })
    expect(answer.headers.get('x-diskful-installer')).toBe('tar')
    const line = service.logs.find(({ msg }) => msg === 'request')
    expect(line?.facts).toMatchObject({ os: 'glenda', kernel: 'a[31mb\nc' })
    expect(await answer.text()).toContain("SERVED_OS='unknown'")
  })

  it('reads forms of either kind', async () => {
    const body = new FormData()
    for (const [name, value] of [
      ['arch', 'amd64'],
      ['os', 'rocky'],
      ['pkg', 'rpm'],
      ['rpm', "it's; id"],
    ] as const)
      body.append(name, value)
    const answer = await fetch(client('/installer'), { method: 'POST', body })
    expect(await answer.text()).toContain("SERVED_OS='rhel'")
    const broken = await post('/installer', 'x', { 'content-type': 'multipart/form-data; boundary=y' })
    expect([broken.status, broken.headers.get('content-type')]).toEqual([400, expect.stringMatching(/^text\/x-shell/)])
  })

  it('hands on the packages that were asked for', async () => {
    const text = await (await post('/installer', { pkg: 'tar', packages: 'a,b' })).text()
    expect(text).toContain("SERVED_PACKAGES='a b'\nSERVED_PACKAGES_CHOSEN='yes'")
  })

  it('takes 16 KiB of facts and no more', async () => {
    expect((await post('/installer', { x: 'y'.repeat(16_000) })).status).toBe(200)
    const answer = await post('/installer', { x: 'y'.repeat(17_000) })
    expect(answer.status).toBe(413)
    expect(await answer.text()).toMatch(/^#!\/bin\/sh/)
  })
})

describe('GET /plan', () => {
  it('is text for a shell: rows, what is missing, what is left to the node, and an end', async () => {
    const entry = await service.catalog.add('rpm', 'a-1-1.x86_64.rpm', 'abc')
    const row = {
      type: 'rpm',
      name: 'a',
      version: '1-1',
      arch: 'x86_64',
      file: 'a+b 1.rpm',
      size: 3,
      requested: true,
      entry,
    }
    Object.assign(service.catalog, {
      plan: async () => ({
        type: 'rpm',
        arch: 'x86_64',
        rows: [
          { ...row, when: undefined },
          { ...row, type: 'tar', size: undefined, when: 'bar >= 2' },
        ],
        missing: ['nix'],
        unresolved: [{ requirement: 'libx\tso', requiredBy: 'a-1-1', reason: 'not-offered' }],
      }),
      near: () => ['unix'],
    })
    const answer = await fetch(client('/plan?pkg=rpm&packages=a&packages=nix'))
    const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect((await answer.text()).split('\n')).toEqual([
      `rpm\ta\t1-1\ta%2Bb%201.rpm\t3\t${sha256}`,
      'tar\ta\t1-1\ta%2Bb%201.rpm\t-\t-\tbar >= 2',
      '#missing\tnix\tunix',
      '#unresolved\ta-1-1\tlibx?so',
      '#end\t2',
      '',
    ])
  })

  it('wants a kind of package', async () => {
    const answer = await fetch(client('/plan?pkg=apk'))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'bad-package-type' })
  })
})

describe('POST /report', () => {
  it('is refused where the head node wants none, and the scripts know it', async () => {
    const answer = await post('/report', { node: 'n' })
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ code: 'reports-off' })
    expect(await (await fetch(client('/installer'))).text()).toContain("SERVED_REPORT='no'")
  })

  describe('where they are wanted', () => {
    let reports: FileReportLog
    let app: ReturnType<typeof createApp>
    const report = (body: string | Record<string, string>, headers: Record<string, string> = {}) =>
      app.request('/api/v1/install/client/report', {
        method: 'POST',
        body: typeof body === 'string' ? body : new URLSearchParams(body),
        headers,
      })

    beforeEach(async () => {
      reports = await FileReportLog.open(service.folder)
      app = createApp({ ...service.dependencies, reports })
    })

    it('is kept and logged, with nothing in it that a terminal would obey', async () => {
      const answer = await report({ node: 'n\x1b]0;x\x07', result: 'failed', log: 'a\tb\nc\u202e', '../x': 'y' })
      expect(answer.status).toBe(200)
      const [kept] = await reports.list()
      expect(kept).toMatchObject({ address: 'unknown', fields: { node: 'n]0;x', result: 'failed', log: 'ab\nc' } })
      expect(kept!.fields).not.toHaveProperty('../x')
      expect(service.logs.find(({ msg }) => msg === 'node report')).toMatchObject({
        report: { fields: { node: 'n]0;x' } },
      })
      expect(await (await app.request('/api/v1/install/client/installer')).text()).toContain("SERVED_REPORT='yes'")
    })

    it('takes JSON as well, but only flat', async () => {
      const json = { 'content-type': 'application/json' }
      expect((await report('{"node":"j","seconds":3,"deep":{"a":1}}', json)).status).toBe(200)
      expect((await reports.list())[0]!.fields).toEqual({ node: 'j', seconds: '3' })
      expect((await report('[1]', json)).status).toBe(400)
      expect((await report('{', json)).status).toBe(400)
    })

    it('is limited in size and in number', async () => {
      expect((await report({ log: 'x'.repeat(17_000) })).status).toBe(413)
      const statuses = await Promise.all(Array.from({ length: 250 }, async () => (await report({ node: 'n' })).status))
      expect(statuses.filter(status => status === 200).length).toBeGreaterThanOrEqual(190)
      expect(statuses).toContain(429)
    })
  })
})
