import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TarFormat } from '../../src/job.ts'
import { createLogger } from '../../src/logging.ts'
import { cacheLayout } from '../../src/store/layout.ts'
import type { Space } from '../../src/store/space.ts'
import type { TarFacts, TarMeta } from '../../src/store/tar-meta.ts'
import { TarStore } from '../../src/store/tar-store.ts'

export const silent = createLogger('test', 'silent')

/** CACHE_DIR of one test. */
export class TestCache implements AsyncDisposable {
  readonly folder: string
  readonly layout: ReturnType<typeof cacheLayout>

  private constructor(folder: string) {
    this.folder = folder
    this.layout = cacheLayout(folder)
  }

  static async make(folder?: string): Promise<TestCache> {
    return new TestCache(folder ?? (await mkdtemp(join(tmpdir(), 'diskful-cache-'))))
  }

  async store(options: { writable?: boolean; space?: Space; owner?: string } = {}): Promise<TarStore> {
    return await TarStore.open({ folder: this.folder, writable: true, logger: silent, owner: 'tester', ...options })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** A conversion key for tests: the digit repeated. */
export function keyOf(digit: string): string {
  return digit.repeat(64)
}

export async function publish(store: TarStore, key: string, bytes: Uint8Array | string): Promise<TarMeta> {
  const staging = await store.stage(key, { format: 'tar.gz', estimate: 0 })
  try {
    await staging.write(Buffer.from(bytes))
    return await staging.publish(facts())
  } finally {
    await staging.discard()
  }
}

export function facts(source: Partial<TarFacts['source']> = {}): TarFacts {
  return {
    format: 'tar.gz' satisfies TarFormat,
    level: 5,
    nevra: 'test-1-1.noarch',
    name: 'test',
    version: '1',
    release: '1',
    arch: 'noarch',
    source: { file: 'test.rpm', size: 1, identity: 'x', ...source },
    warnings: [],
    checked: 'strong',
    signed: 'none',
  }
}
