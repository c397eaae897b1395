import type { Formula } from './formula.ts'
import type { Operator } from './relation.ts'

/** Rich dependencies that are deeper than this are nobody's honest work. */
const DEEPEST = 20

const CHAINED = ['and', 'or', 'with', 'without'] as const
type Chained = (typeof CHAINED)[number]

/** `(a >= 1 if b else c)` and the like; undefined where the text is no rich dependency that rpm would read. */
export function parseRich(text: string): Formula | undefined {
  try {
    const scanner = new Scanner(text)
    const formula = readGroup(scanner, 0)
    return scanner.atEnd ? formula : undefined
  } catch (error) {
    if (error instanceof RichSyntaxError) return undefined
    throw error
  }
}

class RichSyntaxError extends Error {
  override readonly name = 'RichSyntaxError'
}

function readGroup(scanner: Scanner, depth: number): Formula {
  if (depth > DEEPEST) throw new RichSyntaxError('too deep')
  scanner.expect('(')
  const first = readOperand(scanner, depth)
  if (scanner.take(')')) return first
  const word = scanner.word()
  const formula =
    word === 'if' || word === 'unless'
      ? readCondition(scanner, depth, word, first)
      : readChain(scanner, depth, word, first)
  scanner.expect(')')
  return formula
}

/** One operator throughout: `(a and b or c)` is an error to rpm as well. */
function readChain(scanner: Scanner, depth: number, word: string, first: Formula): Formula {
  if (!isChained(word)) throw new RichSyntaxError(`no operator: ${word}`)
  const parts = [first, readOperand(scanner, depth)]
  while (!scanner.sees(')')) {
    if (word === 'without' || scanner.word() !== word) throw new RichSyntaxError('operators mixed')
    parts.push(readOperand(scanner, depth))
  }
  return { kind: word, parts }
}

function readCondition(scanner: Scanner, depth: number, kind: 'if' | 'unless', wanted: Formula): Formula {
  const condition = readOperand(scanner, depth)
  if (scanner.sees(')')) return { kind, wanted, condition, otherwise: undefined }
  if (scanner.word() !== 'else') throw new RichSyntaxError('else was expected')
  return { kind, wanted, condition, otherwise: readOperand(scanner, depth) }
}

function readOperand(scanner: Scanner, depth: number): Formula {
  if (scanner.sees('(')) return readGroup(scanner, depth + 1)
  const name = scanner.name()
  const operator = scanner.operator()
  return { kind: 'atom', relation: { name, operator, version: operator === '' ? '' : scanner.name(), qualifier: '' } }
}

function isChained(word: string): word is Chained {
  return (CHAINED as readonly string[]).includes(word)
}

/** Words and brackets of a rich dependency. Names may have brackets of their own: `libx.so.1()(64bit)`. */
class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    this.#skipSpace()
    return this.#at === this.#text.length
  }

  sees(char: string): boolean {
    this.#skipSpace()
    return this.#text[this.#at] === char
  }

  take(char: string): boolean {
    if (!this.sees(char)) return false
    this.#at++
    return true
  }

  expect(char: string): void {
    if (!this.take(char)) throw new RichSyntaxError(`${char} was expected`)
  }

  word(): string {
    return this.#match(/[a-z]+(?=[\s(])/y)
  }

  operator(): Operator {
    this.#skipSpace()
    const found = /[<=>]+/y
    found.lastIndex = this.#at
    const text = found.exec(this.#text)?.[0]
    if (text === undefined) return ''
    this.#at += text.length
    if (!/^(<=?|=|>=?)$/.test(text)) throw new RichSyntaxError(`no operator: ${text}`)
    return text as Operator
  }

  /** Up to a space, or a bracket that closes what the name did not open. */
  name(): string {
    this.#skipSpace()
    const start = this.#at
    let open = 0
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at]!
      if (char === '(') open++
      else if (char === ')' && --open < 0) break
      else if (open <= 0 && /\s/.test(char)) break
    }
    if (this.#at === start) throw new RichSyntaxError('a name was expected')
    return this.#text.slice(start, this.#at)
  }

  #match(pattern: RegExp): string {
    this.#skipSpace()
    pattern.lastIndex = this.#at
    const text = pattern.exec(this.#text)?.[0]
    if (text === undefined) throw new RichSyntaxError('an operator was expected')
    this.#at += text.length
    return text
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }
}
