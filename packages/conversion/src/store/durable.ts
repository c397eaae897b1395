import { open } from 'node:fs/promises'

/** Makes the names in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some network and FUSE file systems have no fsync for folders; there is nothing better to do on them.
    if (!hasCode(error, 'EINVAL', 'ENOTSUP', 'ENOSYS')) throw error
  } finally {
    await handle.close()
  }
}

/** Whether an error of the file system carries one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
