import module from 'node:module'
import { fileURLToPath } from 'node:url'

// Runs before every entry point (node --import). Plain JavaScript on purpose: an older Node must be able to read it.
const [major] = process.versions.node.split('.').map(Number)
if (major < 24) {
  process.stderr.write(
    `diskful needs Node 24 or newer, this is ${process.version} (${process.execPath}).\n` +
      'Run it through pnpm, which brings its own Node 24: npx pnpm@12 start\n' +
      'If that is what you did, install again: npx pnpm@12 install --force\n',
  )
  process.exit(1)
}

// Types are stripped once, not at every start of every process and thread: less memory, and faster starts. Below
// node_modules, where only who may change the code can write; where nobody can, nothing is kept.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url))
module.enableCompileCache?.()
