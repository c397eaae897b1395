import { Problem } from '../http/problem.ts'

const MOST_FIELDS = 100
const LONGEST_VALUE = 8 * 1024

interface Body {
  header(name: string): string | undefined
  text(): Promise<string>
}

/** A form (or a flat JSON object) as text fields without control characters, line feeds apart. */
export async function readFields(request: Body): Promise<Record<string, string>> {
  const text = await request.text()
  const isJson = /^application\/json\b/i.test(request.header('content-type') ?? '')
  const pairs = isJson ? jsonPairs(text) : [...new URLSearchParams(text)]
  const fields = pairs.slice(0, MOST_FIELDS).map(([name, value]) => [name.slice(0, 64), cleanText(value)] as const)
  return Object.fromEntries(fields.filter(([name]) => /^[A-Za-z][A-Za-z0-9_-]*$/.test(name)))
}

function jsonPairs(text: string): [string, string][] {
  const value: unknown = parsed(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notFields()
  return Object.entries(value)
    .filter(([, field]) => typeof field === 'string' || typeof field === 'number')
    .map(([name, field]) => [name, String(field)])
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw notFields(error)
  }
}

function notFields(cause?: unknown): Problem {
  return new Problem(
    { status: 400, code: 'bad-fields', title: 'Not a form', detail: 'A form, or a flat object of JSON, is expected.' },
    { cause },
  )
}

/** What may stand in a log and a list: no control characters (terminals obey them) but LF, no half characters. */
export function cleanText(text: string): string {
  return text
    .slice(0, LONGEST_VALUE)
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n]/gu, '')
    .replace(/[\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
    .trim()
}
