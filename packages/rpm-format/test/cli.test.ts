import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runTar } from '../src/cli-tar.ts'
import { RpmError, readPackage } from '../src/index.ts'
import { texts } from './support/header-writer.ts'
import { buildRpm, type RpmSpec, withTag } from './support/rpm-writer.ts'

const cli = new URL('../src/cli.ts', import.meta.url).pathname
const files = [
  { path: '/usr/bin/x', content: 'hello', mode: 0o104755 },
  { path: '/l', mode: 0o120777, linkTarget: 'usr/bin/x' },
]
const badDigest = [{ path: '/a', content: 'b', digest: '0'.repeat(64) }]

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskful-cli-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, spec: RpmSpec | Buffer): string {
  writeFileSync(join(folder, name), Buffer.isBuffer(spec) ? spec : buildRpm(spec))
  return join(folder, name)
}

function run(...args: string[]) {
  return runWith(undefined, ...args)
}

function runWith(input: Buffer | undefined, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    ...(input ? { input } : {}),
    maxBuffer: 2 ** 26,
  })
  return { status, stdout, stderr: stderr.toString() }
}

describe('rpm-format tar', () => {
  it('writes a TAR to standard output, the same each time', () => {
    const rpm = write('a.rpm', { files })
    const [first, second] = [run('tar', rpm), run('tar', '-o', '-', rpm)]
    expect(first).toMatchObject({ status: 0, stderr: '' })
    expect(first.stdout.subarray(-1024).equals(Buffer.alloc(1024))).toBe(true)
    expect(first.stdout.equals(second.stdout)).toBe(true)
    expect(runWith(readFileSync(rpm), 'tar', '-').stdout.equals(first.stdout)).toBe(true)
  })

  it('takes the compression from the name or the option', () => {
    const rpm = write('a.rpm', { files })
    const plain = run('tar', '--layout', 'scyld', rpm).stdout
    for (const [name, decompress] of [
      ['a.tar.gz', gunzipSync],
      ['a.tgz', gunzipSync],
      ['a.tar.zst', zstdDecompressSync],
    ] as const) {
      const output = join(folder, name)
      expect(run('tar', '--layout', 'scyld', '-o', output, rpm)).toMatchObject({ status: 0, stderr: '' })
      expect(decompress(readFileSync(output)).equals(plain)).toBe(true)
    }
    expect(
      gunzipSync(run('tar', '--layout=scyld', '--compress', 'gzip', '--level', '9', rpm).stdout).equals(plain),
    ).toBe(true)
  })

  it('leaves no file, and nothing else, where the RPM is bad', () => {
    const rpm = write('bad.rpm', { files: badDigest })
    const before = readdirSync(folder)
    const { status, stderr } = run('tar', '-o', join(folder, 'bad.tar.gz'), rpm)
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^file-digest-mismatch: [^\n]+\n$/) })
    expect(readdirSync(folder)).toEqual(before)
  })

  it('keeps the file that was there where the RPM is bad, and replaces it where it is good', () => {
    const output = join(folder, 'out.tar')
    writeFileSync(output, 'old')
    expect(run('tar', '-o', output, write('bad.rpm', { files: badDigest })).status).toBe(1)
    expect(readFileSync(output, 'utf8')).toBe('old')
    expect(run('tar', '-o', output, write('a.rpm', { files })).status).toBe(0)
    expect(readFileSync(output).length).toBeGreaterThan(1024)
  })

  it('puts out nothing for a header that is refused, also with --compress gzip', () => {
    for (const compress of ['none', 'gzip', 'zstd']) {
      const { status, stdout, stderr } = run(
        'tar',
        '--compress',
        compress,
        write('x.rpm', Buffer.from('no RPM at all')),
      )
      expect({ status, stdout: stdout.length, stderr }).toMatchObject({ status: 1, stdout: 0 })
      expect(stderr).toMatch(/^not-an-rpm: [^\n]+\n$/)
    }
  })

  it('ends without the marker where the payload turns out bad on the way', () => {
    const large = [{ path: '/0', content: 'z'.repeat(2_000_000) }, ...badDigest]
    const { status, stdout } = run('tar', write('bad.rpm', { files: large }))
    expect(status).toBe(1)
    expect(stdout.length).toBeGreaterThan(0)
    expect(stdout.subarray(-1024).equals(Buffer.alloc(1024))).toBe(false)
  })

  it('quotes control characters in what it says', () => {
    const spec: RpmSpec = { files: [{ path: '/\x1b[2Jx', content: 'b', digest: '0'.repeat(64) }] }
    const { stderr } = run('tar', write('evil.rpm', spec))
    expect(stderr).not.toMatch(/[^\x20-\x7e\n]/)
    expect(stderr.split('\n')).toHaveLength(2)
  })

  it('warns on standard error', () => {
    const { status, stderr } = run('tar', write('s.rpm', { files: [{ path: '/s', mode: 0o140600 }] }))
    expect({ status, stderr }).toEqual({ status: 0, stderr: 'warning: socket-left-out: "/s": TAR has no sockets\n' })
  })

  it('stops quietly when the reader of its output goes away', async () => {
    const rpm = write('large.rpm', { files: [{ path: '/0', content: 'z'.repeat(5_000_000) }] })
    const child = spawn(process.execPath, [cli, 'tar', rpm], { stdio: ['ignore', 'pipe', 'pipe'] })
    const said: Buffer[] = []
    child.stderr.on('data', bytes => said.push(bytes))
    child.stdout.once('data', () => child.stdout.destroy())
    const [code] = await once(child, 'close')
    expect({ code, stderr: Buffer.concat(said).toString() }).toEqual({ code: 141, stderr: '' })
  })

  it.each([['tar', '--layout', 'scyld', '--compress', 'gzip'], ['list']])(
    'stops quietly with much still to say: %s',
    async (...command) => {
      const many = Array.from({ length: 5000 }, (_, k) => ({ path: `/${k}${'x'.repeat(200)}`, content: `${k}` }))
      const child = spawn(process.execPath, [cli, ...command, write('many.rpm', { files: many })], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const said: Buffer[] = []
      child.stderr.on('data', bytes => said.push(bytes))
      child.stdout.once('data', () => child.stdout.destroy())
      const [code] = await once(child, 'close')
      expect({ code, stderr: Buffer.concat(said).toString() }).toEqual({ code: 141, stderr: '' })
    },
  )

  it('is done also where nobody reads its warnings', async () => {
    const rpm = write('s.rpm', { files: [{ path: '/s', mode: 0o140600 }] })
    const output = join(folder, 'out.tar')
    const child = spawn(process.execPath, [cli, 'tar', '-o', output, rpm], { stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr.destroy()
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(readFileSync(output)).toHaveLength(1024)
  })

  it('takes its half-written file along when it is interrupted', async () => {
    const rpm = buildRpm({
      files: [{ path: '/0', content: 'z'.repeat(5_000_000) }],
      compress: x => x,
      compressor: null,
    })
    const before = readdirSync(folder)
    const child = spawn(process.execPath, [cli, 'tar', '-o', join(folder, 'out.tar'), '-'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    // Ends with the child; what it has not read by then is lost.
    child.stdin.on('error', () => undefined)
    child.stdin.write(rpm.subarray(0, 3_000_000))
    while (readdirSync(folder).length === before.length) await new Promise(resolve => setTimeout(resolve, 20))
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM'])
    expect(readdirSync(folder)).toEqual(before)
  })
})

describe('a package cut short', () => {
  const whole = readFileSync(join(import.meta.dirname, 'fixtures/rpms/empty-0-0.noarch.rpm'))

  /** Throws where it is accepted; a cut package lies in the folder as cut.rpm. */
  async function codeOfCut(length: number): Promise<string> {
    const rpm = write('cut.rpm', whole.subarray(0, length))
    try {
      await runTar(['--layout', 'scyld', '-o', join(folder, 'out.tar'), rpm])
    } catch (error) {
      if (error instanceof RpmError) return error.code
      throw error
    }
    throw new Error(`cut at ${length} it was accepted`)
  }

  it('is refused at every byte, and nothing is left', { timeout: 120_000 }, async () => {
    const { payload } = await readPackage(whole)
    for (let length = 0; length < whole.length; length++) {
      const expected = length < payload.offset ? 'truncated-header' : 'truncated-payload'
      expect(await codeOfCut(length), `cut at ${length}`).toBe(expected)
      expect(readdirSync(folder)).toEqual(['cut.rpm'])
    }
  })

  it('ends every command with 1 and one line', { timeout: 120_000 }, async () => {
    const { payload } = await readPackage(whole)
    const cuts = Array.from({ length: 15 }, (_, k) => Math.floor((k * whole.length) / 15))
    for (const length of [...cuts, payload.offset - 1, payload.offset, whole.length - 1]) {
      const rpm = write('cut.rpm', whole.subarray(0, length))
      const commands = length < payload.offset ? ['tar', 'list', 'info', 'verify'] : ['tar', 'verify']
      for (const command of commands) {
        const args = command === 'tar' ? ['-o', join(folder, 'out.tar.gz'), rpm] : [rpm]
        const { status, stdout, stderr } = run(command, ...args)
        expect(`${command} at ${length}: ${status}`).toBe(`${command} at ${length}: 1`)
        if (command === 'verify' && length >= payload.offset) continue // its verdict, below a list of what held
        expect({ stdout: stdout.length, stderr }).toEqual({
          stdout: 0,
          stderr: expect.stringMatching(/^truncated-(header|payload): [^\n]+\n$/),
        })
      }
      expect(readdirSync(folder)).toEqual(['cut.rpm'])
    }
  })
})

describe('rpm-format info and list', () => {
  it('write to files too, silently', () => {
    const rpm = write('a.rpm', { files })
    const script = '"$0" "$1" info "$2" > "$3" && "$0" "$1" tar "$2" > "$3"'
    const { status, stderr } = spawnSync('sh', ['-c', script, process.execPath, cli, rpm, join(folder, 'out')])
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' })
    expect(readFileSync(join(folder, 'out')).equals(run('tar', rpm).stdout)).toBe(true)
  })

  it('say what the headers say', () => {
    const rpm = write('a.rpm', { files, header: withTag(texts(1016, 'Group\x1b')) })
    expect(JSON.parse(run('info', '--json', rpm).stdout.toString())).toMatchObject({
      nevra: 'test-1-1.noarch',
      files: 2,
    })
    expect(run('info', rpm).stdout.toString()).toContain('nevra: test-1-1.noarch\n')
    expect(run('list', rpm).stdout.toString()).toBe(
      '-rwsr-xr-x root root          5 2020-09-13 12:26 /usr/bin/x\n' +
        'lrwxrwxrwx root root          9 2020-09-13 12:26 /l -> usr/bin/x\n',
    )
  })
})

describe('wrong usage', () => {
  it.each([
    [[], 'no command'],
    [['make'], 'no command "make"'],
    [['tar'], 'one RPM file is needed'],
    [['tar', 'a', 'b'], 'one RPM file is needed'],
    [['tar', '--layout', 'zip', 'a'], '--layout is root, scyld, not "zip"'],
    [['tar', '--compress', 'xz', 'a'], '--compress is gzip, zstd, none, not "xz"'],
    [['tar', '--level', '13', '--compress', 'gzip', 'a'], '--level goes from 1 to 12'],
    [['tar', '--level', '3', 'a'], '--level needs --compress'],
    [['list', '--wide', 'a'], "Unknown option '--wide'"],
  ])('%j', (args, message) => {
    const { status, stdout, stderr } = run(...args)
    expect({ status, stdout: stdout.length }).toEqual({ status: 2, stdout: 0 })
    expect(stderr).toContain(`usage: ${message}`)
  })

  it('of a file that is not there is told in one line', () => {
    const { status, stderr } = run('info', join(folder, 'absent.rpm'))
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(/^ENOENT: [^\n]+\n$/) })
  })

  it('of a file that cannot be written names that file', () => {
    const out = join(folder, 'absent/x.tar')
    const { status, stderr } = run('tar', '-o', out, write('a.rpm', { files }))
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(`'${out}'`) })
  })

  it('of a keyring that is not there is no verdict on the RPM', () => {
    const { status, stderr } = run('verify', '--keyring', join(folder, 'absent'), write('a.rpm', { files }))
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(/^bad-keyring: [^\n]+\n$/) })
  })

  it('--help is none', () => {
    expect(run('--help')).toMatchObject({ status: 0, stderr: '' })
    expect(run('tar', '--help').stdout.toString()).toContain('rpm-format tar [--layout')
  })
})
