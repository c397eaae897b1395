import { ARCHES, aliasesOf, OSES, UNKNOWN } from './choices.ts'

/** The part `tables` of the served scripts: the server's table as shell functions. */
export function tablesPart(): string {
  return [
    '# Made from the table that the head node chooses by (services/api/src/installer/choices.ts).',
    shellFunction('canonical_arch', ARCHES),
    shellFunction('canonical_os', OSES),
  ].join('\n')
}

function shellFunction(
  name: string,
  table: Parameters<typeof aliasesOf>[0] extends infer R ? Record<string, R> : never,
) {
  const rows = Object.entries(table).map(([word, row]) => {
    const patterns = [word, ...aliasesOf(row)].map(pattern => `'${pattern}'`)
    return `    ${patterns.join(' | ')}) echo '${word}' ;;`
  })
  return [
    `${name}() {`,
    `  case $(printf '%s' "\${1:-}" | tr A-Z a-z) in`,
    ...rows,
    `    *) echo ${UNKNOWN} ;;`,
    '  esac',
    '}',
  ].join('\n')
}
