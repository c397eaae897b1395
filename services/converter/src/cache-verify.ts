import { createLogger, EnvironmentError, readEnvironment, sharedVariables, TarStore } from '@diskful/conversion'
import { CacheUnusable, verifyStore } from '@diskful/conversion/converting'

// `pnpm cache:verify`: hashes every cached TAR, moves wrong ones to the trash, which makes them be made again. Safe beside
// a running service. Exit code 1 when something was wrong.

process.exit(await main())

async function main(): Promise<number> {
  try {
    const { CACHE_DIR: folder } = readEnvironment({ CACHE_DIR: sharedVariables.CACHE_DIR }, process.env)
    return await verifyCache(folder)
  } catch (error) {
    if (!(error instanceof EnvironmentError || error instanceof CacheUnusable)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

async function verifyCache(folder: string): Promise<number> {
  const store = await TarStore.open({ folder, writable: true, logger: createLogger('cache-verify', 'silent') })
  const found = { good: 0, wrong: 0, bytes: 0 }
  for await (const { key, state, bytes, reason } of verifyStore(store)) {
    found[state]++
    found.bytes += bytes
    if (state === 'wrong') process.stdout.write(`wrong\t${key}\t${reason}\n`)
  }
  process.stdout.write(`${found.good} good, ${found.wrong} wrong and dropped, ${found.bytes} bytes read in ${folder}\n`)
  return found.wrong > 0 ? 1 : 0
}
