import { type ParseArgsConfig, parseArgs } from 'node:util'

export const usage = `rpm-format tar [--layout root|scyld] [--compress gzip|zstd|none] [--level N] [-o FILE|-] FILE.rpm
rpm-format info [--json] FILE.rpm
rpm-format list FILE.rpm
rpm-format verify [--keyring DIR] [--json] FILE.rpm

tar      writes the RPM as a TAR. Without --compress the end of FILE's name decides (.tar.gz, .tgz, .tar.zst), else it is
         none. FILE appears only when it is complete and every digest in the RPM held; on standard output a failed
         conversion ends without the end-of-archive marker.
info     what the headers say        list     the files
verify   digests and signatures

FILE.rpm may be - for standard input. --lenient accepts what rpm itself accepts but no sane package has.
Exit status: 0 done, 1 the RPM was refused (one line "code: reason" on standard error), 2 wrong usage, or a file or
keyring that cannot be read or written.`

export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Options as declared, and the one file that every command takes. */
export function parseCommand<Options extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  options: Options,
) {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    const [file, ...others] = positionals
    if (file === undefined || others.length > 0) throw new UsageError('one RPM file is needed')
    return { values, file }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError((error as Error).message)
  }
}

export function oneOf<Value extends string>(option: string, value: string, allowed: readonly Value[]): Value {
  const found = allowed.find(candidate => candidate === value)
  if (found === undefined) throw new UsageError(`${option} is ${allowed.join(', ')}, not ${JSON.stringify(value)}`)
  return found
}
