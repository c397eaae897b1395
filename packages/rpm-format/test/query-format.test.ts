import { describe, expect, it } from 'vitest'
import { formatQuery } from '../src/query-format.ts'
import { QueryFormatError } from '../src/query-value-formats.ts'

const values: Record<string, readonly (string | number)[]> = {
  NAME: ['demo'],
  EPOCH: [4],
  FILENAMES: ['/a', "/it's"],
  FILEMODES: [0o100644, 0o104755],
  FILEFLAGS: [1 | 16, 64],
  CHANGELOGNAME: ['x', 'y', 'z'],
  BUILDTIME: [1_700_000_000],
}

function format(text: string): string {
  return formatQuery(text, name => {
    if (name === 'VENDOR') return undefined
    const found = values[name]
    if (!found) throw new QueryFormatError(`unknown tag ${name}`)
    return found
  })
}

describe('a query format', () => {
  it.each([
    ['plain text', 'plain text'],
    ['%{NAME}-%{EPOCH}', 'demo-4'],
    ['100%%', '100%'],
    ['\\[%%\\]\\n\\t\\q', '[%]\n\tq'],
    ['%{VENDOR}', '(none)'],
    ['%-6{NAME}|%6{NAME}|%03{EPOCH}|', 'demo  |  demo|  4|'],
    ['[%{FILENAMES};]', "/a;/it's;"],
    ['[%{=NAME}:%{FILENAMES} ]', "demo:/a demo:/it's "],
    ['[%{FILENAMES} %{VENDOR} ]', "/a (none) /it's (none) "],
    ['[no tags]', ''],
    ['[%{VENDOR}]', ''],
    ['%{#FILENAMES} %{FILENAMES:arraysize} %{FILENAMES}', '2 2 /a'],
    ['[%{FILENAMES:shescape} ]', `'/a' '/it'\\''s' `],
    ['[%{FILEMODES:perms} %{FILEMODES:octal} %{FILEMODES:hex}\n]', '-rw-r--r-- 100644 81a4\n-rwsr-xr-x 104755 89ed\n'],
    ['[%{FILEFLAGS:fflags} ]', 'cn g '],
    ['%{BUILDTIME:date} %{BUILDTIME:day}', 'Tue Nov 14 22:13:20 2023 Tue Nov 14 2023'],
    ['%|EPOCH?{%{EPOCH}:}:{0:}|', '4:'],
    ['%|VENDOR?{yes}:{no}|%|VENDOR?{yes}|', 'no'],
    ['[%|EPOCH?{e}|%{FILENAMES} ]', "e/a e/it's "],
  ])('%j gives %j', (text, result) => expect(format(text)).toBe(result))

  it.each([
    '%d',
    'x%',
    '%{NAME',
    '%{}',
    '%{NOSUCH}',
    '%{NAME:nosuch}',
    '[%{NAME}',
    'a]',
    'a}',
    '%%{NAME}',
    '%|NAME?{x',
    '%|NAME?x|',
    '[%{FILENAMES} %{CHANGELOGNAME}]',
  ])('refuses %j', text => expect(() => format(text)).toThrow(QueryFormatError))

  it.each([
    ['a width that fills the memory', '%999999999{NAME}'],
    ['a width of many digits', `%-${'9'.repeat(400)}{NAME}`],
    ['arrays in arrays', '['.repeat(50_000)],
    ['conditions in conditions', '%|NAME?{'.repeat(50_000)],
    ['all values again and again', '[%{MANY}]'.repeat(100_000)],
    ['much work that gives nothing', `[%{MANY:string}${'%|VENDOR?{x}|'.repeat(1000)}%{EMPTY}]`],
    ['a time outside of the calendar', '%{HUGE:date}'],
  ])('refuses %s', (_, text) => {
    const many = Array<string>(100_000).fill('')
    const tags = { NAME: ['demo'], MANY: many, EMPTY: many, HUGE: [Number.MAX_SAFE_INTEGER] }
    const started = performance.now()
    const read = () => formatQuery(text, name => (tags as Record<string, (string | number)[]>)[name])
    expect(read).toThrow(QueryFormatError)
    expect(performance.now() - started).toBeLessThan(20_000)
  })

  it('asks for a tag once, however many values it has', () => {
    let asked = 0
    const text = formatQuery('[%{MANY} ]%{MANY}', () => {
      asked++
      return Array<string>(50_000).fill('x')
    })
    expect([text.length, asked]).toEqual([100_001, 1])
  })
})
