import { comparePreference, type NameIndex } from './name-index.ts'

const MOST = 5

/** What was perhaps meant: other versions of a known name first, then similar names. */
export function nearNames(index: NameIndex, asked: string): string[] {
  return [...new Set([...versionsOf(index, asked), ...similarNames(index, asked)])].slice(0, MOST)
}

/** NEVRAs, newest first, of the longest known name that `asked` begins with. */
function versionsOf(index: NameIndex, asked: string): string[] {
  for (let end = asked.length; end > 0; end--) {
    if (end < asked.length && !'-_=.:'.includes(asked[end]!)) continue
    const entries = index.named(asked.slice(0, end))
    if (entries.length > 0) return [...entries].sort(comparePreference).map(({ nevra }) => nevra)
  }
  return []
}

function similarNames(index: NameIndex, asked: string): string[] {
  const wanted = asked.toLowerCase().slice(0, 100)
  if (wanted.length < 2) return []
  const found: { name: string; distance: number }[] = []
  for (const name of index.names()) {
    const distance = similarity(name.toLowerCase(), wanted)
    if (distance !== undefined) found.push({ name, distance })
  }
  return found
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, MOST)
    .map(({ name }) => name)
}

/** Smaller is nearer; undefined: not near at all. */
function similarity(name: string, wanted: string): number | undefined {
  if (name === wanted) return 0
  const most = wanted.length < 5 ? 1 : 2
  const edits = Math.abs(name.length - wanted.length) <= most ? editDistance(name, wanted, most) : undefined
  if (edits !== undefined) return edits
  if (name.startsWith(wanted) || (name.length > 2 && wanted.startsWith(name))) return 10
  if (wanted.length > 2 && name.includes(wanted)) return 20
  return undefined
}

/** Levenshtein distance, undefined above `most`. Only the band around the diagonal is computed. */
function editDistance(a: string, b: string, most: number): number | undefined {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = Array.from({ length: b.length + 1 }, () => most + 1)
    if (i <= most) row[0] = i
    let least = row[0]!
    for (let j = Math.max(1, i - most); j <= Math.min(b.length, i + most); j++) {
      const change = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row[j] = Math.min(change, previous[j]! + 1, row[j - 1]! + 1)
      least = Math.min(least, row[j]!)
    }
    if (least > most) return undefined
    previous = row
  }
  const distance = previous[b.length]!
  return distance <= most ? distance : undefined
}
