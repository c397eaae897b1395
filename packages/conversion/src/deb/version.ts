type Order = -1 | 0 | 1

/** Debian's order of two `[epoch:]upstream[-revision]`; equals what `dpkg --compare-versions` says. */
export function debianVersionCompare(a: string, b: string): Order {
  const left = splitDebianVersion(a)
  const right = splitDebianVersion(b)
  if (left.epoch !== right.epoch) return left.epoch < right.epoch ? -1 : 1
  return comparePart(left.upstream, right.upstream) || comparePart(left.revision, right.revision)
}

/** An absent epoch is 0 and an absent revision '' here, which sorts as `0` does. */
export function splitDebianVersion(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(':')
  const rest = colon < 0 ? version : version.slice(colon + 1)
  const hyphen = rest.lastIndexOf('-')
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)) || 0,
    upstream: hyphen < 0 ? rest : rest.slice(0, hyphen),
    revision: hyphen < 0 ? '' : rest.slice(hyphen + 1),
  }
}

/** Text and numbers by turns: text by Debian's alphabet, numbers by value. */
function comparePart(a: string, b: string): Order {
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const left = rank(a, i)
      const right = rank(b, j)
      if (left !== right) return left < right ? -1 : 1
      i++
      j++
    }
    while (a[i] === '0') i++
    while (b[j] === '0') j++
    const left = digitsFrom(a, i)
    const right = digitsFrom(b, j)
    if (left.length !== right.length) return left.length < right.length ? -1 : 1
    if (left !== right) return left < right ? -1 : 1
    i += left.length
    j += right.length
  }
  return 0
}

/** `~` before the end, the end (or a digit) before letters, letters before everything else. */
function rank(text: string, at: number): number {
  if (at >= text.length || isDigit(text, at)) return 0
  const char = text[at]!
  if (char === '~') return -1
  const code = char.charCodeAt(0)
  return /[A-Za-z]/.test(char) ? code : code + 256
}

function isDigit(text: string, at: number): boolean {
  const char = text[at]
  return char !== undefined && char >= '0' && char <= '9'
}

function digitsFrom(text: string, from: number): string {
  let end = from
  while (isDigit(text, end)) end++
  return text.slice(from, end)
}
