import { createHash } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isKey } from './layout.ts'
import { lookUp, type StoredTar } from './lookup.ts'
import type { TarStore } from './tar-store.ts'

export interface Verified {
  key: string
  state: 'good' | 'wrong'
  bytes: number
  /** What is wrong. */
  reason?: string
}

/** Hashes every stored TAR again and moves wrong ones to the trash. */
export async function* verifyStore(store: TarStore, signal?: AbortSignal): AsyncGenerator<Verified, void, undefined> {
  for (const name of await namesInTar(store)) {
    signal?.throwIfAborted()
    if (isKey(name)) {
      const verified = await verifyTar(store, name)
      if (verified) yield verified
      continue
    }
    await rm(join(store.layout.tar, name), { recursive: true, force: true })
    yield { key: name, state: 'wrong', bytes: 0, reason: 'it is no conversion key; removed' }
  }
}

/** undefined when there is no such TAR (any more). */
export async function verifyTar(store: TarStore, key: string): Promise<Verified | undefined> {
  const found = await lookUp(store.layout.tar, key)
  if (found.state === 'absent') return undefined
  if (found.state === 'damaged') {
    await store.drop(key)
    return { key, state: 'wrong', bytes: 0, reason: found.reason }
  }
  const { tar } = found
  try {
    const sha256 = await hashOf(tar)
    if (sha256 === tar.meta.sha256) return { key, state: 'good', bytes: tar.meta.size }
    await store.drop(key)
    return { key, state: 'wrong', bytes: tar.meta.size, reason: `SHA-256 is ${sha256}, not ${tar.meta.sha256}` }
  } finally {
    await tar.close()
  }
}

async function hashOf(tar: StoredTar): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(1024 * 1024)
  for (let position = 0; ; ) {
    const { bytesRead } = await tar.handle.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(buffer.subarray(0, bytesRead))
    position += bytesRead
  }
}

async function namesInTar(store: TarStore): Promise<string[]> {
  return await readdir(store.layout.tar)
}
