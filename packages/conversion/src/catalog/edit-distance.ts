/** A name in a form that is quick to compare. */
export interface Spelling {
  lower: string
  /** One bit for each character that occurs, several characters to a bit. */
  characters: number
}

export function spellingOf(name: string): Spelling {
  const lower = name.toLowerCase()
  let characters = 0
  for (let i = 0; i < lower.length; i++) characters |= 1 << (lower.charCodeAt(i) & 31)
  return { lower, characters }
}

/** False where more than `most` changes are certainly needed: a change of one character changes two bits at most. */
export function mayDifferBy(a: Spelling, b: Spelling, most: number): boolean {
  return Math.abs(a.lower.length - b.lower.length) <= most && bitCount((a.characters ^ b.characters) >>> 0) <= 2 * most
}

/** Levenshtein distance, undefined above `most`. Only the band around the diagonal is computed. */
export function editDistance(a: string, b: string, most: number): number | undefined {
  let previous = new Uint8Array(b.length + 1)
  let row = new Uint8Array(b.length + 1)
  for (let j = 0; j <= b.length; j++) previous[j] = Math.min(j, most + 1)
  for (let i = 1; i <= a.length; i++) {
    row.fill(most + 1)
    if (i <= most) row[0] = i
    let least = row[0]!
    for (let j = Math.max(1, i - most); j <= Math.min(b.length, i + most); j++) {
      const change = previous[j - 1]! + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1)
      row[j] = Math.min(change, previous[j]! + 1, row[j - 1]! + 1)
      least = Math.min(least, row[j]!)
    }
    if (least > most) return undefined
    ;[previous, row] = [row, previous]
  }
  const distance = previous[b.length]!
  return distance <= most ? distance : undefined
}

function bitCount(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++
  return count
}
