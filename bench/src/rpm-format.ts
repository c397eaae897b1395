import { fileURLToPath } from 'node:url'

const fromHere = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** As package.json's `rpm-format` starts it: program, then arguments that those of the command follow. */
export const rpmFormat = [
  process.execPath,
  '--max-semi-space-size=4',
  '--import',
  fromHere('preflight.mjs'),
  fromHere('packages/rpm-format/src/cli.ts'),
] as const
