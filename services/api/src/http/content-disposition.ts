/** `attachment` under exactly that name (RFC 6266), with RFC 8187's form where plain ASCII cannot say it. */
export function attachment(fileName: string): string {
  const plain = fileName.replace(/[^\x20-\x7e]/gu, '_')
  const quoted = `attachment; filename="${plain.replace(/["\\]/g, '\\$&')}"`
  // A `%` in the plain form is decoded by some browsers and not by others.
  return plain === fileName && !plain.includes('%') ? quoted : `${quoted}; filename*=UTF-8''${extendedValue(fileName)}`
}

function extendedValue(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /['()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
