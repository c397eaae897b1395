import { DebError } from './deb-error.ts'

/** Field names in lower case. */
export type Paragraph = ReadonlyMap<string, string>

/** The first paragraph of a control file. Continuation lines keep their line breaks. */
export function parseParagraph(text: string): Paragraph {
  const fields = new Map<string, string>()
  let current: string | undefined
  for (const line of text.replace(/\r\n/g, '\n').split('\n')) {
    if (line.trim() === '') {
      if (fields.size > 0) break
      continue
    }
    if (/^[ \t]/.test(line)) {
      if (current === undefined) throw new DebError('bad-control', 'the control file begins with a continuation line')
      fields.set(current, `${fields.get(current)}\n${line.trim()}`)
      continue
    }
    const match = /^([!-9;-~]+):(.*)$/s.exec(line)
    if (!match)
      throw new DebError('bad-control', `a control line without a field: ${JSON.stringify(line.slice(0, 80))}`)
    current = match[1]!.toLowerCase()
    if (fields.has(current)) throw new DebError('bad-control', `the control file has ${match[1]} twice`)
    fields.set(current, match[2]!.trim())
  }
  return fields
}
