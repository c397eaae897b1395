import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CORPUS, hasCorpus } from '../../../test/support/corpus.ts'
import { FileFlag, type FileInfo, readPackage, verify } from '../src/index.ts'
import { readAll, refusal } from './support/reading.ts'
import { buildRpm, type TestFile } from './support/rpm-writer.ts'

const rpm = (path: string) => readFileSync(join(CORPUS, 'rpm', path))
const sha256 = (bytes: string) => createHash('sha256').update(bytes, 'latin1').digest('hex')

/** What the suites of other readers assert, as far as their packages are at hand. */
describe.skipIf(!hasCorpus())('what the suites of peers assert', () => {
  it("cavaliergopher: epel-release's facts and files", async () => {
    const { package: read, files } = await readAll(rpm('cavaliercoder__go-rpm/testdata/epel-release-7-5.noarch.rpm'))
    expect(read.nevra).toEqual({ name: 'epel-release', epoch: undefined, version: '7', release: '5', arch: 'noarch' })
    expect(read.header.string(1004)).toBe('Extra Packages for Enterprise Linux repository configuration')
    expect(read.header.number(1006)).toBe(1_416_932_778)
    expect(read.header.number(1009)).toBe(24_914)
    expect(files.map(({ path, content }) => [path, content.length])).toEqual([
      ['/etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7', 1662],
      ['/etc/yum.repos.d/epel-testing.repo', 1056],
      ['/etc/yum.repos.d/epel.repo', 957],
      ['/usr/lib/rpm/macros.d/macros.epel', 41],
      ['/usr/lib/systemd/system-preset/90-epel.preset', 2813],
      ['/usr/share/doc/epel-release-7', 0],
      ['/usr/share/doc/epel-release-7/GPL', 18_385],
    ])
  })

  it.each(['w3.zstdio', 'w6.lzdio', 'w6.xzdio'])('go-rpmutils: the payload of %s', async kind => {
    const { files } = await readAll(rpm(`sassoftware__go-rpmutils/testdata/payload-test-0.1-${kind}.x86_64.rpm`))
    expect(files.map(({ path, content }) => [path, sha256(content)])).toEqual([
      ['/usr/share/payload-test.txt', '8557122088c994ba8aa5540ccbb9a3d2d8ae2887046c2db23d65f40ae63abade'],
    ])
  })

  it('rpm-rs: the same files whatever the payload is compressed with', async () => {
    const home = 'rpm-rs__rpm/tests/assets/RPMS'
    const variants = ['v4', 'v6', 'v6/gzip', 'v6/xz', 'v6/zstd'].map(
      folder => `${home}/${folder}/rpm-basic-2.3.4-5.el9.noarch.rpm`,
    )
    const read = await Promise.all(variants.map(path => readAll(rpm(path))))
    const [first] = read
    expect(first!.files.length).toBe(10)
    for (const { files } of read) expect(files).toEqual(first!.files)
    expect(new Set(read.map(({ outcome }) => outcome.compressor))).toEqual(new Set(['gzip', 'xz', 'zstd', 'none']))
  })

  it('rpm-rs: the attributes of 26 files', async () => {
    const { files } = await readPackage(rpm('rpm-rs__rpm/tests/assets/RPMS/v6/rpm-file-attrs-1.0-1.noarch.rpm'))
    const brief = ({ path, type, mode, owner, group, flags, capabilities }: FileInfo) =>
      [
        path.replace('/opt/rpm-file-attrs', ''),
        type,
        mode.toString(8),
        `${owner}:${group}`,
        flags,
        capabilities,
      ] as const
    expect([...files].map(brief)).toEqual([
      ['', 'directory', '755', 'root:root', 0, ''],
      ['/artifact', 'file', '644', 'root:root', FileFlag.ARTIFACT, ''],
      ['/config', 'file', '644', 'root:root', FileFlag.CONFIG, ''],
      ['/config_noreplace', 'file', '644', 'root:root', FileFlag.CONFIG | FileFlag.NOREPLACE, ''],
      ['/different-owner-and-group', 'file', '655', 'jane:bob', 0, ''],
      ['/dir', 'directory', '755', 'root:root', 0, ''],
      ['/dir/normal', 'file', '644', 'root:root', 0, ''],
      ['/doc', 'file', '644', 'root:root', FileFlag.DOC, ''],
      ['/empty_caps', 'file', '655', 'root:root', 0, '='],
      ['/empty_caps2', 'file', '655', 'root:root', 0, '='],
      ['/example-binary', 'file', '644', 'root:root', 0, ''],
      ['/example-confidential-file', 'file', '600', 'jane:jane', 0, ''],
      ['/ghost', 'file', '0', 'root:root', FileFlag.GHOST, ''],
      ['/license', 'file', '644', 'root:root', FileFlag.LICENSE, ''],
      ['/missingok', 'file', '644', 'root:root', FileFlag.MISSINGOK, ''],
      ['/normal', 'file', '644', 'root:root', 0, ''],
      ['/readme', 'file', '644', 'root:root', FileFlag.README, ''],
      ['/symlink', 'symlink', '777', 'root:root', 0, ''],
      ['/symlink_dir', 'directory', '755', 'root:root', 0, ''],
      ['/symlink_dir/dir', 'symlink', '777', 'root:root', 0, ''],
      ['/verify_all', 'file', '644', 'root:root', 0, ''],
      ['/verify_none', 'file', '644', 'root:root', 0, ''],
      ['/verify_not', 'file', '644', 'root:root', 0, ''],
      ['/verify_some', 'file', '644', 'root:root', 0, ''],
      ['/with_caps', 'file', '655', 'root:root', 0, 'cap_sys_ptrace,cap_sys_admin=ep'],
      ['/usr/lib/sysusers.d/rpm-file-attrs.conf', 'file', '644', 'root:root', 0, ''],
    ])
  })

  it("libzypp: its packages' digests", async () => {
    const home = 'openSUSE__libzypp/zypp/tests/zypp/data/RpmPkgSigCheck'
    expect(await verify(rpm(`${home}/unsigned.rpm`))).toMatchObject({ ok: true, checked: 'strong', signatures: [] })
    expect(await verify(rpm(`${home}/unsigned_broken.rpm`))).toMatchObject({
      ok: false,
      checked: 'none',
      signatures: [],
    })
    const broken = await verify(rpm(`${home}/unsigned_broken_header.rpm`))
    expect(broken.ok).toBe(false)
    expect(broken.digests.filter(({ covers }) => covers === 'header').every(({ holds }) => !holds)).toBe(true)
  })

  /** rpm's tests write six zero bytes over a package (rpmsigdig.at). */
  it.each([
    ['hello-2.0-1.x86_64.rpm', 5555, 'header-digest-mismatch'],
    ['hello-2.0-1.x86_64.rpm', 7777, 'payload-digest-mismatch'],
    ['hlinktest-1.0-1.noarch.rpm', 8050, 'payload-digest-mismatch'],
  ])('rpm: %s with zeros at %d', async (name, at, code) => {
    const bytes = rpm(`rpm-software-management__rpm/tests/data/RPMS/${name}`)
    expect(await refusal(bytes)).toBe('accepted')
    bytes.fill(0, at, at + 6)
    expect(await refusal(bytes)).toBe(code)
  })

  it('rpm: its v3 signed package carries v3 packets', async () => {
    const { signatures } = await verify(
      rpm('rpm-software-management__rpm/tests/data/RPMS/hello-2.0-1.x86_64-v3-signed.rpm'),
    )
    expect(signatures.map(({ tag, packetVersion, status }) => [tag, packetVersion, status])).toEqual([
      ['RSA', 3, 'unknown-key'],
      ['PGP', 3, 'unknown-key'],
    ])
  })
})

describe('what libarchive asserts, on packages of our own', () => {
  const files: TestFile[] = ['file1', 'file2', 'file3'].map((name, k) => ({
    path: `/etc/${name}`,
    content: `${k}`.repeat(35),
    mtime: 86_401,
  }))

  it.each([3, 4, 6] as const)('three files in format %d', async format => {
    const { package: read, files: contents } = await readAll(buildRpm({ format, files }))
    expect([...read.files].map(({ path, mtime, size }) => [path, mtime, size])).toEqual([
      ['/etc/file1', 86_401, 35],
      ['/etc/file2', 86_401, 35],
      ['/etc/file3', 86_401, 35],
    ])
    expect(contents.map(({ content }) => content)).toEqual(files.map(({ content }) => content))
  })

  it('a header whose sizes overflow 32 bits when they are added', async () => {
    const headerBytes = (bytes: Buffer) => {
      bytes.writeUInt32BE(0x10000001, 8)
      bytes.writeUInt32BE(0x00000010, 12)
      return bytes
    }
    expect(await refusal(buildRpm({ files, headerBytes }))).toBe('header-too-large')
    expect(await refusal(buildRpm({ files, signatureBytes: headerBytes }))).toBe('header-too-large')
  })
})
