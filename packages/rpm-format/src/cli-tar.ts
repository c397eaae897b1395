import { oneOf, parseCommand, UsageError } from './cli-arguments.ts'
import { printable, writeToStdout, writeWholeFile } from './cli-output.ts'
import { withSource } from './cli-source.ts'
import { type CompressFormat, compress } from './compress.ts'
import { rpmToTar } from './convert.ts'

/** `rpm-format tar`: converts, and says on standard error what was unusual about the RPM. */
export async function runTar(args: string[]): Promise<number> {
  const { values, file } = parseCommand(args, {
    layout: { type: 'string', default: 'root' },
    compress: { type: 'string' },
    level: { type: 'string' },
    output: { type: 'string', short: 'o', default: '-' },
    lenient: { type: 'boolean', default: false },
  })
  const { output, lenient } = values
  const layout = oneOf('--layout', values.layout, ['root', 'scyld'])
  const format = oneOf('--compress', values.compress ?? formatOf(output), ['gzip', 'zstd', 'none'])
  const level = values.level === undefined ? undefined : levelOf(values.level, format)
  if (output === '-' && process.stdout.isTTY)
    throw new UsageError('a TAR is nothing for a terminal: name a file with -o')
  return withSource(file, async source => {
    const tar = rpmToTar(source, { layout, lenient, reuseChunks: true })
    const chunks = compress(tar, { format, level, reuseChunks: true })
    await (output === '-' ? writeToStdout(chunks) : writeWholeFile(output, chunks))
    for (const { code, message } of (await tar.report).warnings) {
      process.stderr.write(`warning: ${code}: ${printable(message)}\n`)
    }
    return 0
  })
}

function formatOf(output: string): CompressFormat {
  if (/\.(tar\.gz|tgz)$/.test(output)) return 'gzip'
  return /\.(tar\.zst|tzst)$/.test(output) ? 'zstd' : 'none'
}

function levelOf(text: string, format: CompressFormat): number {
  const level = Number(text)
  const highest = { gzip: 12, zstd: 19, none: 0 }[format]
  if (/^\d+$/.test(text) && level >= 1 && level <= highest) return level
  throw new UsageError(
    highest === 0 ? '--level needs --compress gzip or zstd' : `--level goes from 1 to ${highest} for ${format}`,
  )
}
