import type { ByteString } from './byte-string.ts'
import { formatQueryValue, QueryFormatError } from './query-value-formats.ts'

/** The values of a tag by its name in any case; undefined where the package lacks it; throws QueryFormatError where no such tag is known. */
export type QueryTags = (name: string) => readonly (ByteString | number)[] | undefined

type Token =
  | { readonly kind: 'text'; readonly text: ByteString }
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'array'; readonly tokens: readonly Token[] }
  | {
      readonly kind: 'condition'
      readonly tag: string
      readonly present: readonly Token[]
      readonly absent: readonly Token[]
    }

interface Tag {
  readonly name: string
  readonly format: string
  readonly width: number
  /** `%{=NAME}`: the same value in every round of an array. */
  readonly repeated: boolean
  /** `%{#NAME}`: how many values. */
  readonly count: boolean
}

/** Chars of a result; a token costs as much as some of them. A body of a few bytes can ask for all files a million times. */
const mostWork = 32 * 1024 * 1024
const tokenWork = 16
const deepest = 100
const widest = 10_000

/**
 * `%{NAME}-%{VERSION}`, `[%{FILENAMES}\n]`, `%|EPOCH?{%{EPOCH}:}|` with a package's values put in, as `rpm --qf` does.
 * Source: rpm-queryformat(7); the results are checked against rpm's own.
 */
export function formatQuery(format: ByteString, tags: QueryTags): ByteString {
  const parser = new Parser(format)
  const tokens = parser.sequence()
  parser.expectEnd()
  return new Renderer(tags).all(tokens, 0)
}

class Renderer {
  readonly #tags: QueryTags
  readonly #known = new Map<string, ReturnType<QueryTags>>()
  #left = mostWork

  constructor(tags: QueryTags) {
    this.#tags = tags
  }

  all(tokens: readonly Token[], round: number): ByteString {
    let text = ''
    for (const token of tokens) text += this.#one(token, round)
    return text
  }

  #one(token: Token, round: number): ByteString {
    switch (token.kind) {
      case 'text':
        return this.#paid(token.text)
      case 'tag':
        return this.#paid(this.#tag(token.tag, round))
      case 'condition':
        this.#paid('')
        return this.all(this.#values(token.tag) ? token.present : token.absent, round)
      case 'array': {
        const rounds = this.#rounds(token.tokens)
        let text = ''
        for (let index = 0; index < rounds; index++) text += this.all(token.tokens, index)
        return text
      }
    }
  }

  #paid(text: ByteString): ByteString {
    this.#left -= tokenWork + text.length
    if (this.#left < 0) throw new QueryFormatError(`it takes more than the work for ${mostWork} chars`)
    return text
  }

  /** Asked for once: an array asks in every round. */
  #values(name: string): ReturnType<QueryTags> {
    if (!this.#known.has(name)) this.#known.set(name, this.#tags(name))
    return this.#known.get(name)
  }

  /** As many as the tags in the array have values; one that the package lacks counts for nothing. */
  #rounds(tokens: readonly Token[]): number {
    const counts = new Set<number>()
    for (const token of tokens) {
      if (token.kind !== 'tag' || token.tag.repeated || token.tag.count) continue
      const values = this.#values(token.tag.name)
      if (values) counts.add(values.length)
    }
    if (counts.size > 1) throw new QueryFormatError('array iterator used with different sized arrays')
    return [...counts][0] ?? 0
  }

  #tag({ name, format, width, repeated, count }: Tag, round: number): ByteString {
    const values = this.#values(name)
    const text = count
      ? String(values?.length ?? 0)
      : values === undefined
        ? '(none)'
        : formatQueryValue(format, values, repeated ? 0 : round, name)
    return width < 0 ? text.padEnd(-width) : text.padStart(width)
  }
}

const escapes: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

class Parser {
  readonly #text: ByteString
  #at = 0
  #depth = 0

  constructor(text: ByteString) {
    this.#text = text
  }

  /** Tokens up to a closing bracket or brace, or the end. */
  sequence(): Token[] {
    if (++this.#depth > deepest) throw new QueryFormatError(`nested more than ${deepest} deep`)
    const tokens: Token[] = []
    for (let next = this.#peek(); next !== '' && next !== ']' && next !== '}'; next = this.#peek()) {
      tokens.push(this.#token())
    }
    this.#depth--
    return tokens
  }

  expectEnd(): void {
    if (this.#peek() !== '') throw new QueryFormatError(`unexpected ${this.#peek()}`)
  }

  #token(): Token {
    if (this.#accept('%%')) return { kind: 'text', text: '%' }
    if (this.#accept('%|')) return this.#condition()
    if (this.#accept('%')) return this.#tag()
    if (this.#accept('[')) return this.#array()
    if (this.#accept('\\')) {
      const char = this.#text[this.#at++] ?? ''
      return { kind: 'text', text: escapes[char] ?? char }
    }
    const end = this.#text.slice(this.#at).search(/[%[\]}\\]/)
    const text = end < 0 ? this.#text.slice(this.#at) : this.#text.slice(this.#at, this.#at + end)
    this.#at += text.length
    return { kind: 'text', text }
  }

  #tag(): Token {
    const match = /^(-?\d*)\{([=#]?)([^}:]*)((?::[^}:]*)*)\}/.exec(this.#text.slice(this.#at))
    if (!match) throw new QueryFormatError('no {tag} after %')
    const [all, width = '', modifier = '', name = '', formats = ''] = match
    if (name === '') throw new QueryFormatError('empty tag name')
    if (Math.abs(Number(width)) > widest) throw new QueryFormatError(`a width of ${width}; ${widest} are allowed`)
    this.#at += all.length
    return {
      kind: 'tag',
      tag: {
        name,
        format: formats.slice(1),
        width: Number(width) || 0,
        repeated: modifier === '=',
        count: modifier === '#',
      },
    }
  }

  #array(): Token {
    const tokens = this.sequence()
    if (!this.#accept(']')) throw new QueryFormatError('] expected at end of array')
    return { kind: 'array', tokens }
  }

  /** After `%|`: `TAG?{present}:{absent}|`, where `:{absent}` may be missing. */
  #condition(): Token {
    const match = /^([^?{}|]+)\?/.exec(this.#text.slice(this.#at))
    if (!match) throw new QueryFormatError('? expected in expression')
    this.#at += match[0].length
    const present = this.#braced()
    const absent = this.#accept(':') ? this.#braced() : []
    if (!this.#accept('|')) throw new QueryFormatError('| expected at end of expression')
    return { kind: 'condition', tag: match[1]!, present, absent }
  }

  #braced(): Token[] {
    if (!this.#accept('{')) throw new QueryFormatError('{ expected in expression')
    const tokens = this.sequence()
    if (!this.#accept('}')) throw new QueryFormatError('} expected in expression')
    return tokens
  }

  #peek(): string {
    return this.#text[this.#at] ?? ''
  }

  #accept(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }
}
