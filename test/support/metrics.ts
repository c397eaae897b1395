/** Prometheus text → the sum of a metric over the samples that have the given labels. */
export function metric(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  let sum = 0
  for (const line of text.split('\n')) {
    const sample = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line)
    if (sample?.[1] !== name) continue
    const has = Object.entries(labels).every(([label, value]) => `,${sample[2] ?? ''}`.includes(`,${label}="${value}"`))
    if (has) sum += Number(sample[3])
  }
  return sum
}
