type Order = -1 | 0 | 1

const separators = /[^a-zA-Z0-9~^]/

/**
 * rpm's order of two versions or releases. Segments of digits or letters are compared one by one; `~` sorts before
 * the end of a version, `^` after it but before anything else.
 */
export function rpmvercmp(a: string, b: string): Order {
  if (a === b) return 0
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    while (i < a.length && separators.test(a[i]!)) i++
    while (j < b.length && separators.test(b[j]!)) j++

    if (a[i] === '~' || b[j] === '~') {
      if (a[i] !== '~') return 1
      if (b[j] !== '~') return -1
      i++
      j++
      continue
    }
    if (a[i] === '^' || b[j] === '^') {
      if (i >= a.length) return -1
      if (j >= b.length) return 1
      if (a[i] !== '^') return 1
      if (b[j] !== '^') return -1
      i++
      j++
      continue
    }
    if (i >= a.length || j >= b.length) break

    const numeric = isDigit(a[i]!)
    const left = segment(a, i, numeric)
    const right = segment(b, j, numeric)
    // A number is newer than letters.
    if (right === '') return numeric ? 1 : -1
    const order = numeric ? compareNumbers(left, right) : compareText(left, right)
    if (order !== 0) return order
    i += left.length
    j += right.length
  }
  if (i >= a.length && j >= b.length) return 0
  return i >= a.length ? -1 : 1
}

export interface Evr {
  epoch: number | undefined
  version: string
  release: string
}

/** rpm's order of two packages of one name: epoch (absent = 0), then version, then release. */
export function compareEvr(a: Evr, b: Evr): Order {
  const left = a.epoch ?? 0
  const right = b.epoch ?? 0
  if (left !== right) return left < right ? -1 : 1
  return rpmvercmp(a.version, b.version) || rpmvercmp(a.release, b.release)
}

function segment(text: string, from: number, numeric: boolean): string {
  let end = from
  while (end < text.length && (numeric ? isDigit(text[end]!) : isLetter(text[end]!))) end++
  return text.slice(from, end)
}

function compareNumbers(a: string, b: string): Order {
  const left = a.replace(/^0+/, '')
  const right = b.replace(/^0+/, '')
  if (left.length !== right.length) return left.length < right.length ? -1 : 1
  return compareText(left, right)
}

function compareText(a: string, b: string): Order {
  return a === b ? 0 : a < b ? -1 : 1
}

function isDigit(char: string): boolean {
  return char >= '0' && char <= '9'
}

function isLetter(char: string): boolean {
  return (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z')
}
