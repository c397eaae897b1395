import type { FileHandle } from 'node:fs/promises'
import { type CompressOptions, compress, displayText, type Nevra, RpmError, rpmToTar, type Warning } from 'rpm-format'
import { openPackageFile, PackageFileError } from './catalog/package-file.ts'
import { identityText, type StatIdentity, sameIdentity } from './identity.ts'
import { type ConversionJob, type ConversionOutcome, REJECTIONS, type TarFormat } from './job.ts'
import { conversionKey, identityNow, SourceChanged } from './key.ts'
import { TooBigForCache } from './store/space.ts'
import type { Staging } from './store/staging.ts'
import type { TarStore } from './store/tar-store.ts'

const KEPT_WARNINGS = 100

export interface ConvertPackageOptions {
  job: ConversionJob
  store: TarStore
  /** CLIENTPKGS_DIR */
  folder: string
  pool?: CompressOptions['pool']
  signal?: AbortSignal
  /** How the payload is compressed; called once, early. */
  onPayload?: (payload: string) => void
  /** Bytes of the TAR so far; called often. */
  onProgress?: (bytes: number) => void
  /** The bytes of the TAR; `convertRpm` unless a test says otherwise. */
  convert?: Conversion
}

export interface ConversionReport {
  nevra: Nevra
  checked: 'none' | 'weak' | 'strong'
  signed: 'none' | 'header' | 'header+payload'
  warnings: readonly Warning[]
}

/** The finished bytes of a TAR, a chunk good until the next is asked for; `report` resolves once they are all there. */
export interface ConversionRun extends AsyncIterable<Uint8Array> {
  report: Promise<ConversionReport>
}

export type Conversion = (
  source: FileHandle,
  settings: { format: TarFormat; level: number; pool?: CompressOptions['pool']; signal?: AbortSignal },
) => ConversionRun

const COMPRESSION: Record<TarFormat, CompressOptions['format']> = { 'tar.gz': 'gzip', 'tar.zst': 'zstd', tar: 'none' }

/** What a conversion is: rpm-format's TAR, compressed. */
export const convertRpm: Conversion = (source, { format, level, pool, signal }) => {
  const tar = rpmToTar(source, { layout: 'scyld', reuseChunks: true, ...(signal && { signal }) })
  const bytes = compress(tar, { format: COMPRESSION[format], level, reuseChunks: true, ...(pool && { pool }) })
  return { report: tar.report, [Symbol.asyncIterator]: () => bytes[Symbol.asyncIterator]() }
}

/**
 * Makes the TAR that a job asks for and publishes it in the store. The RPM is opened once; a TAR is published only if it
 * is the RPM of the job, before and after. Rejects when the machine is at fault: the conversion may be tried again.
 */
export async function convertPackage(options: ConvertPackageOptions): Promise<ConversionOutcome> {
  const { job, folder } = options
  try {
    const source = await openPackageFile(folder, { type: 'rpm', file: job.file, identity: job.identity })
    try {
      return await convertOpened(source, options)
    } finally {
      await source.close()
    }
  } catch (error) {
    if (error instanceof SourceChanged) return sourceChanged(job, error.message)
    if (!(error instanceof PackageFileError) || error.code === 'not-readable') throw error
    if (error.code !== 'outside-folder') return sourceChanged(job, error.message)
    return { status: 'rejected', code: REJECTIONS.outsideFolder, message: error.message }
  }
}

async function convertOpened(source: FileHandle, options: ConvertPackageOptions): Promise<ConversionOutcome> {
  const { job } = options
  const before = await identityNow(source)
  try {
    const { key, payload } = await conversionKey(source, job)
    if (payload) options.onPayload?.(payload)
    if (key !== job.key) throw new SourceChanged('it has another content than when it was asked for')
    return await writeTar(source, before, options)
  } catch (error) {
    if (error instanceof SourceChanged) throw error
    // Whatever went wrong, it says nothing about the package if the file changed under our hands.
    if (!sameIdentity(before, await identityNow(source)))
      throw new SourceChanged('it changed while it was read', { cause: error })
    if (error instanceof RpmError && !isReadError(error)) {
      return { status: 'rejected', code: error.code, message: error.message }
    }
    if (error instanceof TooBigForCache) return { status: 'rejected', code: error.code, message: error.message }
    throw error
  }
}

async function writeTar(
  source: FileHandle,
  identity: StatIdentity,
  { job, store, pool, signal, onProgress, convert = convertRpm }: ConvertPackageOptions,
): Promise<ConversionOutcome> {
  const { key, format, level, file, nevra } = job
  const staging = await store.stage(key, { format, estimate: identity.size * (format === 'tar' ? 3 : 1) })
  try {
    const run = convert(source, { format, level, ...(pool && { pool }), ...(signal && { signal }) })
    // A failure comes out of the loop below as well; this only keeps it from being reported as unhandled.
    run.report.catch(() => undefined)
    await writeAll(run, staging, signal, onProgress)
    const report = await run.report
    if (!sameIdentity(identity, await identityNow(source))) throw new SourceChanged('it changed while it was read')
    const meta = await staging.publish({
      format,
      level,
      nevra,
      name: displayText(report.nevra.name),
      version: displayText(report.nevra.version),
      release: displayText(report.nevra.release),
      arch: displayText(report.nevra.arch),
      source: { file, size: identity.size, identity: identityText(identity) },
      warnings: report.warnings.slice(0, KEPT_WARNINGS).map(warning => ({ ...warning })),
      checked: report.checked,
      signed: report.signed,
    })
    return { status: 'published', key, sha256: meta.sha256, size: meta.size }
  } finally {
    await staging.discard()
  }
}

async function writeAll(
  run: ConversionRun,
  staging: Staging,
  signal: AbortSignal | undefined,
  onProgress: ((bytes: number) => void) | undefined,
): Promise<void> {
  for await (const chunk of run) {
    signal?.throwIfAborted()
    await staging.write(chunk)
    onProgress?.(staging.written)
  }
}

/** The RPM could not be read, which is not its fault. */
function isReadError(error: RpmError): boolean {
  return error.cause instanceof Error && 'syscall' in error.cause
}

function sourceChanged(job: ConversionJob, how: string): ConversionOutcome {
  return { status: 'source-changed', message: `${job.file}: ${how}` }
}
