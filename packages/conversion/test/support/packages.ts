import { int32, int32List, text, textsList } from '../../../rpm-format/test/support/header-writer.ts'
import { buildRpm, type TestFile, withTag } from '../../../rpm-format/test/support/rpm-writer.ts'

export interface SmallRpm {
  name: string
  version?: string
  release?: string
  epoch?: number
  arch?: string
  requires?: readonly string[]
  provides?: readonly string[]
  files?: readonly TestFile[]
}

const Tag = { NAME: 1000, VERSION: 1001, RELEASE: 1002, EPOCH: 1003, ARCH: 1022 } as const
const REQUIRE = [1049, 1048, 1050] as const
const PROVIDE = [1047, 1112, 1113] as const

/** A whole, honest RPM that says what is wanted. */
export function smallRpm({ name, version = '1.0', release = '1', epoch, arch = 'noarch', ...rest }: SmallRpm): Buffer {
  const tags = [text(Tag.NAME, name), text(Tag.VERSION, version), text(Tag.RELEASE, release), text(Tag.ARCH, arch)]
  if (epoch !== undefined) tags.push(int32(Tag.EPOCH, epoch))
  tags.push(...unversioned(REQUIRE, rest.requires), ...unversioned(PROVIDE, rest.provides))
  const files = rest.files ?? [{ path: `/usr/share/${name}`, content: `${name} ${version}`.repeat(50) }]
  return buildRpm({ name, files, header: withTag(...tags) })
}

function unversioned([names, flags, versions]: readonly [number, number, number], list: readonly string[] = []) {
  if (list.length === 0) return []
  return [
    textsList(names, list),
    int32List(
      flags,
      list.map(() => 0),
    ),
    textsList(
      versions,
      list.map(() => ''),
    ),
  ]
}
