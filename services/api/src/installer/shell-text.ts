/** A word of a POSIX shell that stands for exactly this text. Control characters, which no value of ours has, become `?`. */
export function shellQuoted(text: string): string {
  return `'${printable(text).replaceAll("'", `'\\''`)}'`
}

/** One line of a comment. */
export function shellComment(text: string): string {
  return `# ${printable(text)}`
}

export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, '?')
}
