import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const home = join(import.meta.dirname, '..')
const fixture = join(home, 'test/fixtures/rpms/payload-w6.xzdio-1-1.noarch.rpm')

let folder: string
let installed: string

/** As `npm install` of the packed file would lay it out, without asking a registry. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskful-pack-'))
  execFileSync('npx', ['-y', 'pnpm@12', 'pack', '--pack-destination', folder], { cwd: home, stdio: 'pipe' })
  const tarball = readdirSync(folder).find(name => name.endsWith('.tgz'))!
  execFileSync('tar', ['-xzf', join(folder, tarball), '-C', folder])
  installed = join(folder, 'node_modules/rpm-format')
  mkdirSync(join(folder, 'node_modules'))
  execFileSync('mv', [join(folder, 'package'), installed])
  for (const name of ['xz-decompress', 'libdeflate'])
    symlinkSync(realpathSync(join(home, 'node_modules', name)), join(folder, 'node_modules', name))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true }))

function run(script: string, ...args: string[]): string {
  const file = join(folder, 'script.js')
  writeFileSync(file, script)
  return execFileSync(process.execPath, [file, ...args], { encoding: 'utf8' })
}

describe('the packed library', () => {
  it('is compiled JavaScript with types and one module of WebAssembly, and nothing else', () => {
    const { exports, files, bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >
    expect({ exports, files, bin }).toEqual({
      exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' },
      files: ['dist'],
      bin: { 'rpm-format': './dist/cli.js' },
    })
    const all = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter(name => name.includes('.'))
    expect(
      all.filter(name => !/^(dist\/.*\.(js|d\.ts)|dist\/deflate-walk\.wasm|package\.json|README\.md)$/.test(name)),
    ).toEqual([])
    expect(all).toEqual(expect.arrayContaining(['README.md', 'dist/deflate-walk.wasm']))
  })

  it('reads, converts, compresses and verifies in a plain project', () => {
    const output = run(
      `import { createReadStream } from 'node:fs'
       import { CompressPool, compress, entries, readPackage, rpmToTar, verify } from 'rpm-format'
       const source = () => createReadStream(process.argv[2])
       const names = []
       for await (const { file } of entries(source())) names.push(file.path)
       const pool = new CompressPool(1)
       let size = 0
       for await (const chunk of compress(rpmToTar(source(), { layout: 'root' }), { format: 'gzip', pool })) size += chunk.length
       await pool.close()
       console.log(JSON.stringify([(await readPackage(source())).nevra.name, names.length, size > 1000, (await verify(source())).ok]))`,
      fixture,
    )
    expect(JSON.parse(output)).toEqual(['payload-w6.xzdio', 5, true, true])
  })

  it('says what it needs where a keyring is wanted and OpenPGP is not installed', () => {
    const output = run(
      `import { loadKeyring } from 'rpm-format'
       await loadKeyring('.').catch(error => console.log(error.code, error.message))`,
    )
    expect(output).toBe('openpgp-missing checking signatures needs the package openpgp: npm install openpgp\n')
  })

  it('has declarations that need no other package', () => {
    const declarations = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' }).filter(name =>
      name.endsWith('.d.ts'),
    )
    const foreign = declarations.flatMap(name =>
      [...readFileSync(join(installed, 'dist', name), 'utf8').matchAll(/(?:from |import\()'([^.'][^']*)'/g)].map(
        match => match[1]!,
      ),
    )
    expect(foreign.filter(name => !name.startsWith('node:'))).toEqual([])
  })

  it('has a command', () => {
    const output = execFileSync(process.execPath, [join(installed, 'dist/cli.js'), 'list', fixture], {
      encoding: 'utf8',
    })
    expect(output).toContain('/usr/share/payload/numbers')
  })
})
