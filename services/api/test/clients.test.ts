import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireTool } from '../../../test/support/requires.ts'
import { TestService } from './support/test-service.ts'

const run = promisify(execFile)
const CONTENT = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 13) % 241))
const FILE = 'gcc-c++-14.2-1.x86_64.rpm'

let service: TestService

beforeAll(async () => {
  service = await TestService.start()
  await service.catalog.add('rpm', FILE, CONTENT)
})
afterAll(() => service.stop())

const inFolder = (name: string) => join(service.folder, name)

describe.skipIf(!requireTool('curl'))('curl', () => {
  it('-OJ saves under the exact name, and sha256sum -c agrees', async () => {
    const cwd = service.folder
    await run('curl', ['-fsSOJ', service.download('rpm/gcc-c++')], { cwd })
    await run('curl', ['-fsSo', 'sum', service.download('rpm/gcc-c++.sha256')], { cwd })
    expect((await run('sha256sum', ['-c', 'sum'], { cwd })).stdout).toBe(`${FILE}: OK\n`)
  })

  it('-C - resumes what is half there, and leaves alone what is whole', async () => {
    const file = inFolder('resumed')
    await writeFile(file, CONTENT.subarray(0, 1_234_567))
    await run('curl', ['-fsS', '-C', '-', '-o', file, service.download('rpm/gcc-c++')])
    expect((await readFile(file)).equals(CONTENT)).toBe(true)
  })

  it('--etag-compare gets nothing twice', async () => {
    const [file, tag] = [inFolder('tagged'), inFolder('etag')]
    const args = ['-fsS', '--etag-save', tag, '--etag-compare', tag, '-w', '%{http_code}', '-o', file]
    await writeFile(tag, '')
    expect((await run('curl', [...args, service.download('rpm/gcc-c++')])).stdout).toBe('200')
    expect((await run('curl', [...args, service.download('rpm/gcc-c++')])).stdout).toBe('304')
    expect((await readFile(file)).equals(CONTENT)).toBe(true)
  })

  it('-f fails on errors, -I and HTTP/1.0 work', async () => {
    await expect(run('curl', ['-fsS', service.download('rpm/unknown')])).rejects.toMatchObject({ code: 22 })
    expect((await run('curl', ['-fsSI', service.download('rpm/gcc-c++')])).stdout).toMatch(/content-length: 3000000/i)
    const old = await run('curl', [
      '-fsS',
      '--http1.0',
      '-w',
      '%{size_download}',
      '-o',
      '/dev/null',
      service.download('rpm/gcc-c++'),
    ])
    expect(old.stdout).toBe('3000000')
  })
})

describe.skipIf(!requireTool('wget'))('wget', () => {
  it('-c resumes, and --content-disposition takes the name', async () => {
    const file = inFolder('wgot')
    await writeFile(file, CONTENT.subarray(0, 2_000_001))
    await run('wget', ['-q', '-c', '-O', file, service.download('rpm/gcc-c++')])
    expect((await readFile(file)).equals(CONTENT)).toBe(true)
  })

  it('-N gets nothing twice', async () => {
    const cwd = service.folder
    await run('wget', ['-q', '-N', service.download(`rpm/${FILE}`)], { cwd })
    const { stderr } = await run('wget', ['-N', service.download(`rpm/${FILE}`)], { cwd })
    expect(stderr).toMatch(/304 Not Modified/)
  })
})

describe.skipIf(!requireTool('busybox'))('busybox wget', () => {
  it('gets the file, and resumes it', async () => {
    const file = inFolder('busy')
    await writeFile(file, CONTENT.subarray(0, 1_000_000))
    await run('busybox', ['wget', '-q', '-c', '-O', file, service.download('rpm/gcc-c++')])
    expect((await readFile(file)).equals(CONTENT)).toBe(true)
  })
})
