import type { ConversionRow } from './conversion.ts'

const barHeight = 18
const groupGap = 22
const labelWidth = 240
const plotWidth = 560
const colours: Record<string, string> = {
  rpm2archive: '#9aa0a6',
  bsdtar: '#c5c9ce',
  'diskful .tar.gz': '#1a73e8',
  'diskful .tar.zst': '#188038',
  'diskful .tar': '#12805c',
}

/** The conversion table as a picture: a group of bars a package, seconds to the right, shorter is better. Self-contained SVG. */
export function conversionChart(rows: readonly ConversionRow[], machine: string): string {
  const packages = [...new Set(rows.map(row => row.package))]
  const longest = Math.max(...rows.map(row => row.seconds))
  const parts: string[] = []
  let y = 56
  for (const name of packages) {
    const group = rows.filter(row => row.package === name)
    parts.push(text(12, y, escapeXml(group[0]!.what), 'font-weight="600"'))
    y += 10
    for (const row of group) {
      const width = Math.max(1, (row.seconds / longest) * plotWidth)
      parts.push(
        text(labelWidth - 8, y + 13, escapeXml(row.contender), 'text-anchor="end"'),
        `<rect x="${labelWidth}" y="${y}" width="${width.toFixed(1)}" height="${barHeight - 3}" rx="2" fill="${colours[row.contender] ?? '#666'}"/>`,
        text(
          labelWidth + width + 6,
          y + 13,
          `${row.seconds.toFixed(2)} s  (${row.speedRatio.toFixed(1)}×)`,
          'fill="#444"',
        ),
      )
      y += barHeight
    }
    y += groupGap
  }
  const width = labelWidth + plotWidth + 120
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" font-family="system-ui, sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${text(12, 22, 'RPM to TAR: seconds, shorter is better', 'font-size="15" font-weight="600"')}
${text(12, 38, escapeXml(`${machine}; × = times as fast as rpm2archive in the same run`), 'fill="#666"')}
${parts.join('\n')}
</svg>
`
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${content}</text>`
}

function escapeXml(value: string): string {
  return value.replace(/[&<>"]/g, char => `&#${char.charCodeAt(0)};`)
}
