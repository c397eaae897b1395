import { Problem } from '../http/problem.ts'

const MOST_FIELDS = 100
const LONGEST_VALUE = 8 * 1024

interface Body {
  header(name: string): string | undefined
  text(): Promise<string>
  formData(): Promise<FormData>
}

/** A form of either kind (or a flat JSON object) as text fields without control characters, line feeds apart. */
export async function readFields(request: Body): Promise<Record<string, string>> {
  return fieldsOf(await pairsOf(request))
}

/** The same of a query. */
export function queryFields(request: { queries(): Record<string, string[]> }): Record<string, string> {
  return fieldsOf(Object.entries(request.queries()).flatMap(([name, values]) => values.map(value => [name, value])))
}

async function pairsOf(request: Body): Promise<[string, string][]> {
  const type = request.header('content-type') ?? ''
  if (/^application\/json\b/i.test(type)) return jsonPairs(await request.text())
  if (!/^multipart\/form-data\b/i.test(type)) return [...new URLSearchParams(await request.text())]
  const form = await request.formData().catch((error: unknown) => Promise.reject(notFields(error)))
  return [...form].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : []))
}

/** Of fields that stand twice the first counts; `packages` may be a list in this way too. */
function fieldsOf(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const fields = new Map<string, string>()
  for (const [written, value] of pairs.slice(0, MOST_FIELDS)) {
    const name = written.slice(0, 64)
    if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name)) continue
    const first = fields.get(name)
    if (first === undefined) fields.set(name, cleanText(value))
    else if (name === 'packages') fields.set(name, cleanText(`${first},${value}`))
  }
  return Object.fromEntries(fields)
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
