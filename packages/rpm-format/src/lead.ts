/** The first 96 bytes. Only for recognising an RPM: names and arches come from the main header. */
export interface Lead {
  /** 3 for v3 and v4 packages, 4 for v6. */
  readonly major: number
  readonly minor: number
  readonly type: 'binary' | 'source'
  /** Name-version-release as the writer had it, cut at 65 bytes. */
  readonly name: string
}
