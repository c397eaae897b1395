import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { requireTool } from '../../../test/support/requires.ts'
import { place } from '../src/scyld/placement.ts'
import { cell, listCell } from '../src/scyld/tsv.ts'
import { int32, text, texts } from './support/header-writer.ts'
import { buildRpm, type RpmSpec, withoutTag, withTag } from './support/rpm-writer.ts'
import { sha256, unpack } from './support/unpacked.ts'

const layout = { layout: 'scyld' } as const

/** Tags that tests of scriptlets, triggers and dependencies need. */
const post = { body: 1024, prog: 1086, flags: 5021 }
const preun = { body: 1025, prog: 1087 }
const postun = { body: 1026, prog: 1088 }

const unitFile = '[Unit]\nDescription=Demo\n[Service]\nExecStart=/usr/bin/demo\n[Install]\nWantedBy=multi-user.target\n'

/** The package of the worked example in docs/tar-layout.md. */
const demo: RpmSpec = {
  name: 'demo',
  files: [
    { path: '/etc/demo.conf', content: 'key=1\n\n', flags: 1 | 16 },
    { path: '/opt/scyld/demo', mode: 0o040755 },
    { path: '/opt/scyld/demo/VERSION', content: '2.0\n' },
    { path: '/srv/demo/tun', mode: 0o020600, rdev: (10 << 8) | 200 },
    { path: '/usr/bin/demo', content: 'ELF..', mode: 0o100755 },
    { path: '/usr/bin/demo-helper', content: 'ELF..', mode: 0o104750, group: 'demo' },
    { path: '/usr/bin/demo-ping', content: 'ELF..', mode: 0o100755, capabilities: 'cap_net_raw=ep' },
    { path: '/usr/lib/systemd/system/demo.service', content: unitFile },
    { path: '/usr/lib64/libdemo.so', mode: 0o120777, linkTarget: 'libdemo.so.1' },
    { path: '/var/log/demo.log', flags: 64 },
  ].map(file => ({ ...file, mtime: 1_700_000_000 })),
  header: withTag(
    int32(1003, 1),
    text(1001, '2.0'),
    text(1002, '3'),
    text(1022, 'x86_64'),
    text(1023, 'getent passwd demo >/dev/null || useradd -r demo'),
    text(1085, '/bin/sh'),
    text(post.body, 'systemctl --no-reload preset demo.service >/dev/null 2>&1 || :'),
    text(post.prog, '/bin/sh'),
    text(postun.prog, '/sbin/ldconfig'),
    texts(1065, "echo 'web server' >&2"),
    texts(1092, '/bin/sh'),
    texts(1066, 'httpd', 'nginx'),
    texts(1067, '2.4', ''),
    int32(1068, 65536 | 12, 65536),
    int32(1069, 0, 0),
  ),
}

describe('where files go', () => {
  it.each([
    ['/opt/scyld/demo/bin/x', 'bin/x'],
    ['/opt/scyld/demo2/x', 'pkg/opt/scyld/demo2/x'],
    ['/usr/bin/x', 'pkg/usr/bin/x'],
    ['/scripts/x', 'pkg/_/scripts/x'],
    ['/meta', 'pkg/_/meta'],
    ['/triggers', 'pkg/_/triggers'],
    ['/_/scripts/x', 'pkg/_/_/scripts/x'],
    ['/metadata/x', 'pkg/metadata/x'],
    ['/opt/scyld/demo/pkg', 'pkg/_/opt/scyld/demo/pkg'],
    ['/opt/scyld/demo/pkg/meta/x', 'pkg/_/opt/scyld/demo/pkg/meta/x'],
    ['/opt/scyld/demo', 'pkg/opt/scyld/demo'],
  ])('%s → %s', (path, src) => expect(place(path, 'file', '/opt/scyld/demo')).toBe(src))

  it('home and / are directories of ours', () => {
    expect(place('/opt/scyld/demo', 'directory', '/opt/scyld/demo')).toBe('.')
    expect(place('/', 'directory', '/opt/scyld/demo')).toBe('pkg')
  })
})

describe('a TSV cell', () => {
  it.each([
    ['', '-'],
    ['-', '%2D'],
    ['a-b', 'a-b'],
    ['a\tb\nc\rd%e\x7f\x01', 'a%09b%0Ac%0Dd%25e%7F%01'],
    ['#x#', '%23x#'],
    ['sp ace\\', 'sp ace\\'],
    ['\xe9', '\xe9'],
  ])('%j is %j', (value, expected) => expect(cell(value)).toBe(expected))

  it('of a list escapes what separates', () => {
    expect(listCell(['/bin/sh', '-c', 'a b', '', 'x,y'], ' ')).toBe('/bin/sh -c a%20b %00 x%2Cy')
    expect(listCell(['-'], ' ')).toBe('%2D')
  })
})

describe('the worked example of docs/tar-layout.md', () => {
  const example = readFileSync(new URL('../../../docs/tar-layout.md', import.meta.url), 'utf8').split(
    '## A worked example',
  )[1]!
  const shown = example.split('\n')

  it('is what comes out', async () => {
    const { members, file } = await unpack(buildRpm(demo), layout)
    const names = members.map(({ name, link }) => (link ? `${name} -> ${link}` : name))
    const listed = shown.filter(line => /^[-dl][rwx-]{9} /.test(line)).map(line => line.replace(/^\S+ \S+ +/, ''))
    expect(listed.length).toBeGreaterThan(10)
    expect(names.slice(0, listed.length)).toEqual(listed)
    const modes = members.map(({ mode, owner, group }) => `${mode.toString(8)} ${owner}/${group}`)
    expect(modes[names.indexOf('./pkg/usr/bin/demo-helper')]).toBe('750 root/demo')

    for (const table of ['files', 'scripts', 'triggers', 'units']) {
      const start = shown.findIndex(line => line.startsWith(`# diskful 1 ${table} `))
      const lines = shown.slice(
        start,
        shown.findIndex((line, k) => k > start && !line.includes('\t')),
      )
      const got = file(`./pkg/meta/${table}.tsv`).replace(/\b([0-9a-f]{4})[0-9a-f]{60}\b/g, '$1…')
      expect(got).toBe(`${lines.join('\n')}\n`)
    }
    const packageLines = shown.slice(shown.indexOf('# diskful 1 package key value')).slice(0, 9)
    expect(file('./pkg/meta/package.tsv').split('\n').slice(0, 9)).toEqual(packageLines)
  })

  it('has the small tables that the text says', async () => {
    const { rows } = await unpack(buildRpm(demo), layout)
    const dests = (name: string) => rows(name).map(row => row.at(-1))
    expect(dests('special.tsv')).toEqual(['/srv/demo/tun', '/usr/bin/demo-helper', '/usr/bin/demo-ping'])
    expect(dests('config.tsv')).toEqual(['/etc/demo.conf'])
    expect(dests('dirs.tsv')).toEqual(['/opt/scyld/demo'])
  })
})

describe('the layout scyld', () => {
  it('always has home, pkg and every meta file, whatever the RPM', async () => {
    const { members, file, report } = await unpack(buildRpm(), layout)
    expect(members.map(({ name }) => name)).toEqual([
      './',
      './pkg/',
      './pkg/meta/',
      ...(
        'package.tsv files.tsv special.tsv config.tsv dirs.tsv scripts.tsv triggers.tsv units.tsv users.tsv requires.tsv ' +
        'SHA256SUMS manifest.json'
      )
        .split(' ')
        .map(name => `./pkg/meta/${name}`),
    ])
    expect(file('./pkg/meta/SHA256SUMS')).toBe('')
    expect(report).toMatchObject({ entries: members.length, checked: 'strong', signed: 'none' })
    expect(members.every(({ owner, mtime }) => owner === 'root' && mtime === 1_700_000_000)).toBe(true)
  })

  it('has no setid bits, capabilities or devices, and says where they are', async () => {
    const { members, bytes, rows } = await unpack(buildRpm(demo), layout)
    expect(members.filter(({ mode }) => mode & 0o6000)).toEqual([])
    expect(bytes.includes('SCHILY')).toBe(false)
    expect(members.map(({ type }) => type)).not.toContain('character-device')
    expect(rows('special.tsv').map(row => [row[0], row[1], row[8], row[9], row[13]])).toEqual([
      ['c', '0600', '10:200', '-', '-'],
      ['f', '4750', '-', '-', 'pkg/usr/bin/demo-helper'],
      ['f', '0755', '-', 'cap_net_raw=ep', 'pkg/usr/bin/demo-ping'],
    ])
  })

  it('uses the directories that the RPM owns for its own, once', async () => {
    const files = [
      { path: '/', mode: 0o040555, mtime: 5 },
      { path: '/opt/scyld/test', mode: 0o042750, owner: 'demo', mtime: 6 },
    ]
    const { members, rows } = await unpack(buildRpm({ files }), layout)
    expect(members.slice(0, 3).map(({ name, mode, owner, mtime }) => [name, mode, owner, mtime])).toEqual([
      ['./', 0o750, 'demo', 6],
      ['./pkg/', 0o555, 'root', 5],
      ['./pkg/meta/', 0o755, 'root', 1_700_000_000],
    ])
    expect(rows('files.tsv').map(row => [row[1], row[13], row[14]])).toEqual([
      ['0555', 'pkg', '/'],
      ['2750', '.', '/opt/scyld/test'],
    ])
  })

  it('moves files of the RPM from its own places', async () => {
    const files = ['/_/scripts/post', '/opt/scyld/test/pkg/meta/files.tsv', '/scripts/post', '/triggers'].map(path => ({
      path,
      content: path,
    }))
    const header = withTag(text(post.body, 'true'), text(post.prog, '/bin/sh'))
    const { file, rows, report } = await unpack(buildRpm({ files, header }), layout)
    expect(file('./pkg/scripts/post')).toBe('true')
    for (const row of rows('files.tsv')) expect(file(`./${row[13]}`)).toBe(row[14])
    expect(report.warnings.map(({ code }) => code)).toEqual(['moved', 'moved', 'moved', 'moved'])
  })

  it('gives hardlink sets one number and the metadata of the last', async () => {
    const files = [
      { path: '/a', inode: 5, mode: 0o104755, owner: 'nobody' },
      { path: '/b', inode: 6, content: 'other', mode: 0o100600 },
      { path: '/c', inode: 5, content: 'same', mode: 0o100640, owner: 'root', size: 4 },
      { path: '/d', inode: 6, content: 'other', mode: 0o100600 },
    ].map(file => (file.path === '/a' ? { ...file, size: 4, digest: sha256('same') } : file))
    const { members, rows } = await unpack(buildRpm({ files }), layout)
    const payload = members.filter(({ name }) => /^\.\/pkg\/[a-d]$/.test(name))
    expect(payload.map(({ name, type, mode, owner, link }) => [name, type, mode, owner, link])).toEqual(
      expect.arrayContaining([
        ['./pkg/a', 'file', 0o640, 'root', ''],
        ['./pkg/c', 'link', 0o640, 'root', './pkg/a'],
      ]),
    )
    expect(rows('files.tsv').map(row => [row[1], row[2], row[5], row[7]!.slice(0, 4), row[11]])).toEqual([
      ['0640', 'root', '4', sha256('same').slice(0, 4), '1'],
      ['0600', 'root', '5', sha256('other').slice(0, 4), '2'],
      ['0640', 'root', '4', sha256('same').slice(0, 4), '1'],
      ['0600', 'root', '5', sha256('other').slice(0, 4), '2'],
    ])
    expect(rows('special.tsv')).toHaveLength(4)
    const size = rows('package.tsv').find(([key]) => key === 'size')
    expect(size).toEqual(['size', '9'])
  })

  it('computes the SHA-256 where the RPM has only MD5', async () => {
    const { rows } = await unpack(buildRpm({ format: 3, files: [{ path: '/a', content: 'hello' }] }), layout)
    expect(rows('files.tsv')[0]![7]).toBe(sha256('hello'))
  })

  it.skipIf(!requireTool('sha256sum'))('has sums that sha256sum checks, whatever the names', async () => {
    const paths = ['/a\\b', '/c\nd', '/e  f', '/g\xe9', '/h', '/i']
    const files = paths.map(path => ({ path, content: path, ...(path > '/h' && { inode: 9, content: 'i' }) }))
    files.push({ path: '/j', content: 'i', inode: 9 })
    const header = withTag(text(post.body, 'true\n'), text(post.prog, '/bin/sh'))
    const { bytes, rows } = await unpack(buildRpm({ files, header }), layout)
    const script =
      'd=$(mktemp -d) && cd "$d" && tar xf - && sha256sum -c pkg/meta/SHA256SUMS; s=$?; rm -rf "$d"; exit $s'
    const said = execFileSync('sh', ['-c', script], { input: bytes }).toString('latin1').trim().split('\n')
    expect(said).toHaveLength(rows('files.tsv').length + 1)
    expect(said.every(line => line.endsWith(': OK'))).toBe(true)
  })

  it('evaluates query tags and marks what only rpm can run', async () => {
    const scripts: RpmSpec['header'] = tags =>
      withTag(
        text(post.body, 'echo %{NAME} %{BUILDTIME} %%\n'),
        text(post.prog, '/bin/sh'),
        int32(post.flags, 2),
        text(1023, 'echo %{_bindir}'),
        texts(1085, '/bin/bash', '-e', 'a b'),
        int32(5020, 1 | 2),
        text(preun.body, 'print(1)'),
        text(preun.prog, '<lua>'),
        text(postun.body, '[ -x %{NOSUCH} ]'),
        text(postun.prog, '/bin/sh'),
        int32(5023, 2),
        text(1151, 'echo none'),
        text(1153, '/bin/sh'),
        int32(5024, 1),
      )(tags)
    const { file, rows, members, report } = await unpack(buildRpm({ header: scripts }), layout)
    expect(file('./pkg/scripts/post')).toBe('echo test 1700000000 %\n')
    expect(file('./pkg/scripts/pre')).toBe('echo %{_bindir}')
    expect(file('./pkg/scripts/postun')).toBe('[ -x %{NOSUCH} ]')
    expect(rows('scripts.tsv').map(([slot, , argc, args, , note]) => [slot, argc, args, note])).toEqual([
      ['pretrans', '1', '/bin/sh', '-'],
      ['pre', '3', '/bin/bash -e a%20b', 'needs-macros'],
      ['post', '1', '/bin/sh', '-'],
      ['preun', '1', '<lua>', 'lua'],
      ['postun', '1', '/bin/sh', 'unsupported-query'],
    ])
    expect(report.warnings.map(({ code }) => code)).toEqual(['needs-macros', 'lua', 'unsupported-query'])
    expect(members.find(({ name }) => name === './pkg/scripts/post')).toMatchObject({ mode: 0o755, owner: 'root' })
  })

  it('has users, units and requirements', async () => {
    const line = (content: string) => Buffer.from(content).toString('base64')
    const header = withTag(
      texts(1047, 'user(demo)', 'test'),
      int32(1112, 8, 8),
      texts(1113, line('u demo - "A B" /h'), '1-1'),
      texts(1049, '/bin/sh', 'rpmlib(X)', '(a or b)', 'c'),
      int32(1048, 256 | 1024, 0x1000000 | 10, 0, 12),
      texts(1050, '', '4.0-1', '', '1:2-3'),
      text(post.body, 'systemctl enable b@1.service gone.service'),
      text(post.prog, '/bin/sh'),
    )
    const unit = (name: string, content: string) => ({ path: `/usr/lib/systemd/system/${name}`, content })
    const files = [unit('a.timer', '[Timer]'), unit('b@.service', unitFile)]
    const { rows } = await unpack(buildRpm({ files, header }), layout)
    expect(rows('users.tsv')).toEqual([['u', 'demo', '-', 'A B', '/h', '-', 'u demo - "A B" /h']])
    expect(rows('units.tsv')).toEqual([
      ['a.timer', 'payload', 'no', '/usr/lib/systemd/system/a.timer'],
      ['b@.service', 'payload', 'yes', '/usr/lib/systemd/system/b@.service'],
      ['b@1.service', 'enable', 'yes', '/usr/lib/systemd/system/b@.service'],
      ['gone.service', 'enable', 'no', '-'],
    ])
    expect(rows('requires.tsv')).toEqual([
      ['/bin/sh', '-', '-', 'post,interp'],
      ['rpmlib(X)', '<=', '4.0-1', 'rpmlib'],
      ['(a or b)', '-', '-', '-'],
      ['c', '>=', '1:2-3', '-'],
    ])
  })

  it('has a manifest that is JSON, with bytes where text is not enough', async () => {
    const { file, rows } = await unpack(
      buildRpm({ ...demo, files: [{ path: '/gr\xfc\xdfe' }, ...demo.files!] }),
      layout,
    )
    const manifest = JSON.parse(Buffer.from(file('./pkg/meta/manifest.json'), 'latin1').toString())
    expect(manifest).toMatchObject({ layout: 1, checked: 'strong', signed: 'none' })
    expect(manifest.package).toMatchObject({
      name: 'demo',
      epoch: 1,
      nevra: 'demo-1:2.0-3.x86_64',
      home: '/opt/scyld/demo',
    })
    expect(manifest.files).toHaveLength(rows('files.tsv').length)
    expect(manifest.files[0].path).toEqual({
      text: '/gr\ufffd\ufffde',
      base64: Buffer.from('/gr\xfc\xdfe', 'latin1').toString('base64'),
    })
    expect(manifest.files[1]).toMatchObject({
      path: '/etc/demo.conf',
      flags: ['config', 'noreplace'],
      sha256: sha256('key=1\n\n'),
    })
    expect(manifest.triggers[0].conditions).toEqual([
      { name: 'httpd', operator: '>=', version: '2.4' },
      { name: 'nginx', operator: '', version: '' },
    ])
  })

  it.each(['a/b', '..', '.'])('refuses a package named %j: it has no home', async name => {
    await expect(unpack(buildRpm({ name }), layout)).rejects.toMatchObject({ name: 'RpmError' })
  })

  it('takes BUILDTIME 0 where there is none', async () => {
    const { members } = await unpack(buildRpm({ header: withoutTag(1006) }), layout)
    expect(members[0]!.mtime).toBe(0)
  })
})
