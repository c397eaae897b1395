#!/usr/bin/env node
import { UsageError, usage } from './cli-arguments.ts'
import { runInfo, runList } from './cli-info.ts'
import { printable, writeLine } from './cli-output.ts'
import { runTar } from './cli-tar.ts'
import { runVerify } from './cli-verify.ts'
import { RpmError } from './errors.ts'

/** What an RPM or a caller did wrong is told in one line; what went wrong in here with its stack. */
const commands: Record<string, (args: string[]) => Promise<number>> = {
  tar: runTar,
  info: runInfo,
  list: runList,
  verify: runVerify,
  help: async () => {
    await writeLine(usage)
    return 0
  },
}

async function main([name = '', ...args]: string[]): Promise<number> {
  const command = commands[name === '--help' || name === '-h' || args.includes('--help') ? 'help' : name]
  if (!command) throw new UsageError(name === '' ? 'no command' : `no command ${JSON.stringify(name)}`)
  return command(args)
}

function failure(error: unknown): number {
  if (error instanceof RpmError) {
    process.stderr.write(`${error.code}: ${printable(error.message)}\n`)
    return 1
  }
  if (error instanceof UsageError) {
    process.stderr.write(`usage: ${printable(error.message)}\n${usage}\n`)
    return 2
  }
  const { code, message, stack }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error))
  // Whoever read our output has had enough.
  if (code === 'EPIPE') return 128 + 13
  process.stderr.write(code ? `${code}: ${printable(message)}\n` : `${stack ?? printable(message)}\n`)
  return 2
}

process.exitCode = await main(process.argv.slice(2)).catch(failure)
