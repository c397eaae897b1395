import type { PayloadEntry } from './archive.ts'
import type { Strength } from './digest-algorithms.ts'
import { type OpenPackage, openPackage } from './entries.ts'
import type { Warning } from './errors.ts'
import { type ContentWatcher, type Layout, type LayoutName, namesOf } from './layout.ts'
import { RootLayout } from './layout-root.ts'
import type { ReadOptions } from './limits.ts'
import type { Nevra } from './nevra.ts'
import type { RpmPackage } from './package.ts'
import { signedParts } from './signed.ts'
import type { Source } from './source.ts'
import { encodeTarHeader, endOfArchive, padding, type TarEntry } from './tar.ts'
import { TarBuffer } from './tar-buffer.ts'
import type { Signed } from './verify.ts'

export interface TarOptions extends ReadOptions {
  /** `root`: what rpm would lay down below `/`. `scyld`: for /opt/scyld/<name>, see docs/tar-layout.md. */
  readonly layout: LayoutName
}

/** An uncompressed TAR, to be iterated once. Throws before the end-of-archive marker where the RPM is bad. */
export interface TarStream extends AsyncIterable<Uint8Array> {
  /** Known once the stream has ended; rejects with what the stream throws, and where the reader leaves early. */
  readonly report: Promise<TarReport>
}

export interface TarReport {
  readonly nevra: Nevra
  /** Members of the archive. */
  readonly entries: number
  readonly bytes: number
  /** The strongest digest that covered the payload and held. */
  readonly checked: Strength
  /** What the RPM's signatures cover; they are not verified here. */
  readonly signed: Signed
  readonly warnings: readonly Warning[]
}

/** The whole conversion but for compression. Reads the source once, holds little, writes nothing. */
export function rpmToTar(source: Source, options: TarOptions): TarStream {
  const { promise: report, resolve, reject } = Promise.withResolvers<TarReport>()
  // Who iterates gets the error from there.
  report.catch(() => undefined)
  return {
    report,
    async *[Symbol.asyncIterator]() {
      try {
        resolve(yield* tar(source, options))
      } catch (error) {
        reject(error)
        throw error
      } finally {
        reject(new Error('the TAR was not read to its end'))
      }
    },
  }
}

async function* tar(source: Source, options: TarOptions): AsyncGenerator<Uint8Array, TarReport, undefined> {
  const rpm = await openPackage(source, options)
  try {
    const layout = await layoutFor(rpm.package, options.layout)
    const out = new TarBuffer(options)
    for (const entry of layout.opening()) out.header(encodeTarHeader(entry))
    for await (const batch of rpm.batches()) {
      for (const entry of batch) {
        const member = openMember(entry, layout, out)
        if (!member) continue
        for (let pulled = entry.content.pull(); ; pulled = entry.content.pull()) {
          const piece = pulled instanceof Promise ? await pulled : pulled
          if (!piece) break
          member.watcher?.update(piece)
          for (const chunk of out.put(piece)) yield chunk
        }
        closeMember(entry, member, out)
        if (entry.links.length > 0) yield* otherNames(entry, member, layout, out)
        if (out.isFull) yield out.take()
      }
    }
    // Only now is it known that every digest held.
    yield* closing(rpm, layout, out)
    out.add(endOfArchive)
    yield out.take()
    return report(rpm, layout, out)
  } finally {
    await rpm.close()
  }
}

async function layoutFor(rpm: RpmPackage, name: LayoutName): Promise<Layout> {
  return name === 'root' ? new RootLayout() : new (await import('./scyld/layout.ts')).ScyldLayout(rpm)
}

/** A file under its first name; its other names follow as hardlinks. */
interface Member {
  readonly header: TarEntry
  readonly watcher: ContentWatcher | undefined
}

/** Writes the header, behind which the content goes; undefined where the file has no member. */
function openMember(entry: PayloadEntry, layout: Layout, out: TarBuffer): Member | undefined {
  const { file, links, content } = entry
  const first = links.at(0) ?? file
  const name = layout.place(first)
  if (name === undefined) return undefined
  const header = layout.member(first, file, name, content.size)
  out.header(encodeTarHeader(header))
  return { header, watcher: file.type === 'file' ? layout.watch(entry) : undefined }
}

function closeMember({ content }: PayloadEntry, { watcher }: Member, out: TarBuffer): void {
  watcher?.end()
  out.add(padding(content.size))
}

function* otherNames(
  entry: PayloadEntry,
  { header }: Member,
  layout: Layout,
  out: TarBuffer,
): Generator<Uint8Array, void, undefined> {
  const names = namesOf(entry)
  // The first is the member itself.
  names.next()
  for (const file of names) {
    const name = layout.place(file)!
    out.header(encodeTarHeader({ ...header, name, type: 'hardlink', size: 0, link: header.name, xattrs: undefined }))
    if (out.isFull) yield out.take()
  }
}

function* closing(rpm: OpenPackage, layout: Layout, out: TarBuffer): Generator<Uint8Array, void, undefined> {
  for (const { entry, content } of layout.closing({ outcome: rpm.outcome!, signed: signedParts(rpm.package) })) {
    out.header(encodeTarHeader(entry))
    for (const piece of content) yield* out.put(piece)
    out.add(padding(entry.size ?? 0))
    if (out.isFull) yield out.take()
  }
}

function report(rpm: OpenPackage, layout: Layout, out: TarBuffer): TarReport {
  const outcome = rpm.outcome!
  return {
    nevra: rpm.package.nevra,
    entries: out.headers,
    bytes: out.bytes,
    checked: outcome.checked,
    signed: signedParts(rpm.package),
    warnings: [...outcome.warnings, ...layout.warnings],
  }
}
