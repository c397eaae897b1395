import { editDistance, mayDifferBy, spellingOf } from './edit-distance.ts'
import { comparePreference, type NameIndex } from './name-index.ts'

const MOST = 5
/** A mistyped name costs a few milliseconds however many packages there are. */
const MOST_COMPARISONS = 1500

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
  const wanted = spellingOf(asked.slice(0, 100))
  if (wanted.lower.length < 2) return []
  const most = wanted.lower.length < 5 ? 1 : 2
  let comparisons = MOST_COMPARISONS
  const found: { name: string; distance: number }[] = []
  for (const [name, spelling] of index.spellings()) {
    const mayBeNear = comparisons > 0 && mayDifferBy(spelling, wanted, most)
    if (mayBeNear) comparisons--
    const edits = mayBeNear ? editDistance(spelling.lower, wanted.lower, most) : undefined
    const distance = edits ?? partDistance(spelling.lower, wanted.lower)
    if (distance !== undefined) found.push({ name, distance })
  }
  return found
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, MOST)
    .map(({ name }) => name)
}

/** Smaller is nearer; undefined: neither is a part of the other. */
function partDistance(name: string, wanted: string): number | undefined {
  if (name.startsWith(wanted) || (name.length > 2 && wanted.startsWith(name))) return 10
  return wanted.length > 2 && name.includes(wanted) ? 20 : undefined
}
