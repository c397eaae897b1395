import type { ByteString } from './byte-string.ts'
import { operatorOf } from './dependencies.ts'
import { Tag } from './tags.ts'

/** The text is no query format, or uses a tag or format that is not evaluated here. */
export class QueryFormatError extends Error {
  override readonly name = 'QueryFormatError'
}

type Values = readonly (ByteString | number)[]

const numberFormats: Record<string, (value: number) => string> = {
  octal: value => value.toString(8),
  hex: value => value.toString(16),
  // The C locale and UTC: what a node would print depends on where it stands.
  date: value =>
    `${weekday(value)} ${month(value)} ${String(at(value).getUTCDate()).padStart(2)} ${clock(value)} ${year(value)}`,
  day: value => `${weekday(value)} ${month(value)} ${String(at(value).getUTCDate()).padStart(2, '0')} ${year(value)}`,
  perms: permissions,
  fflags: value => fileFlagLetters.map((letter, bit) => ((value >> bit) & 1 ? letter : '')).join(''),
  depflags: operatorOf,
  triggertype: value => triggerTypes.find(([bit]) => (value >> bit) & 1)?.[1] ?? '',
}

// Bit 0 first; bit 2, an icon, has no letter.
const fileFlagLetters = ['c', 'd', '', 'm', 'n', 's', 'g', 'l', 'r']
const triggerTypes = [
  [25, 'prein'],
  [16, 'in'],
  [17, 'un'],
  [18, 'postun'],
] as const

/** `values[index]` as `%{name:format}` prints it. */
export function formatQueryValue(format: string, values: Values, index: number, name: string): ByteString {
  if (format === 'arraysize') return String(values.length)
  if (format === 'tagnum') return String(tagNumber(name))
  const value = values[index]
  if (value === undefined) return '(none)'
  if (format === '' || format === 'string') return String(value)
  if (format === 'shescape') return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", `'\\''`)}'`
  const formatNumber = numberFormats[format]
  if (!formatNumber) throw new QueryFormatError(`:${format} is not evaluated here`)
  return typeof value === 'number' ? formatNumber(value) : '(not a number)'
}

function tagNumber(name: string): number {
  const number = (Tag as Record<string, number>)[name.toUpperCase()]
  if (number === undefined) throw new QueryFormatError(`${name} has no number`)
  return number
}

function permissions(mode: number): string {
  const type = { 1: 'p', 2: 'c', 4: 'd', 6: 'b', 8: '-', 10: 'l', 12: 's' }[mode >> 12] ?? '?'
  const letters = 'rwxrwxrwx'.split('').map((letter, bit) => ((mode >> (8 - bit)) & 1 ? letter : '-'))
  const special = (bit: number, place: number, letter: string) => {
    if (mode & bit) letters[place] = letters[place] === 'x' ? letter : letter.toUpperCase()
  }
  special(0o4000, 2, 's')
  special(0o2000, 5, 's')
  special(0o1000, 8, 't')
  return type + letters.join('')
}

function at(seconds: number): Date {
  const time = new Date(seconds * 1000)
  if (Number.isNaN(time.getTime())) throw new QueryFormatError(`${seconds} is no time that a calendar has`)
  return time
}

function weekday(seconds: number): string {
  return at(seconds).toUTCString().slice(0, 3)
}

function month(seconds: number): string {
  return at(seconds).toUTCString().slice(8, 11)
}

function year(seconds: number): number {
  return at(seconds).getUTCFullYear()
}

function clock(seconds: number): string {
  return at(seconds).toISOString().slice(11, 19)
}
