#!/usr/bin/env node
import { UsageError, usage } from './cli-arguments.ts'
import { printable, writeLines } from './cli-output.ts'
import { RpmError, type RpmErrorCode } from './errors.ts'

/** Loaded when asked for: most of the start goes into loading. */
const commands: Record<string, (args: string[]) => Promise<number>> = {
  tar: async args => (await import('./cli-tar.ts')).runTar(args),
  info: async args => (await import('./cli-info.ts')).runInfo(args),
  list: async args => (await import('./cli-info.ts')).runList(args),
  verify: async args => (await import('./cli-verify.ts')).runVerify(args),
  help: async () => {
    await writeLines([usage])
    return 0
  },
}

async function main([name = '', ...args]: string[]): Promise<number> {
  const command = commands[name === '--help' || name === '-h' || args.includes('--help') ? 'help' : name]
  if (!command) throw new UsageError(name === '' ? 'no command' : `no command ${JSON.stringify(name)}`)
  return command(args)
}

/** Say nothing of the RPM. */
const callersFaults: ReadonlySet<RpmErrorCode> = new Set(['bad-keyring', 'openpgp-missing'])

/** What an RPM or a caller did wrong is told in one line; what went wrong in here with its stack. */
function failure(error: unknown): number {
  if (error instanceof RpmError) {
    process.stderr.write(`${error.code}: ${printable(error.message)}\n`)
    return callersFaults.has(error.code) ? 2 : 1
  }
  if (error instanceof UsageError) {
    process.stderr.write(`usage: ${printable(error.message)}\n${usage}\n`)
    return 2
  }
  const { code, message, stack }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error))
  // Whoever read our output has had enough.
  if (code === 'EPIPE') return 128 + 13
  const told = code && !message.startsWith(code) ? `${code}: ${message}` : message
  process.stderr.write(code ? `${printable(told)}\n` : `${stack ?? printable(message)}\n`)
  return 2
}

// Who does not want to hear our warnings changes no verdict.
process.stderr.on('error', () => undefined)
process.exitCode = await main(process.argv.slice(2)).catch(failure)
