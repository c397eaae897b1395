import { open } from 'node:fs/promises'
import type { Source } from './source.ts'

/** The file, or standard input for `-`, for as long as `use` runs. */
export async function withSource<Result>(file: string, use: (source: Source) => Promise<Result>): Promise<Result> {
  if (file === '-') return use(process.stdin)
  const handle = await open(file, 'r')
  try {
    return await use(handle)
  } finally {
    await handle.close()
  }
}
