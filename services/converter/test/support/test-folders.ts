import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type ConversionJob, conversionKey, type TarFormat } from '@diskful/conversion'

export const EXAMPLE_RPMS = resolve(import.meta.dirname, '../../../../examples/clientpkgs/rpm')
export const EXAMPLE_RPM = 'clusterware-tools-1.0.0-1.noarch.rpm'

/** Package and cache folders of one test, and jobs for what is in them. */
export class TestFolders {
  readonly root: string
  readonly packages: string
  readonly cache: string
  /** Each run of a faulty thread is a line there. */
  readonly runsFile: string

  /** @param root folders that another process made */
  constructor(root: string = mkdtempSync(join(tmpdir(), 'diskful-converter-'))) {
    this.root = root
    this.packages = join(root, 'packages')
    this.cache = join(root, 'cache')
    this.runsFile = join(root, 'runs')
    if (existsSync(this.packages)) return
    mkdirSync(join(this.packages, 'rpm'), { recursive: true })
    cpSync(EXAMPLE_RPMS, join(this.packages, 'rpm'), { recursive: true })
  }

  /** Levels tell jobs apart: the same RPM at another level is another conversion. */
  async job(level: number, changes: Partial<ConversionJob> = {}): Promise<ConversionJob> {
    const { file = EXAMPLE_RPM, format = 'tar.gz' as TarFormat } = changes
    const handle = await open(join(this.packages, 'rpm', file))
    try {
      const { key, nevra, identity } = await conversionKey(handle, { format, level })
      return { key, file, identity, nevra, format, level, requestId: `test-${level}`, priority: 'node', ...changes }
    } finally {
      await handle.close()
    }
  }

  /** Levels of the conversions that ran in faulty threads, in order. */
  runs(): number[] {
    return this.#runLines().map(line => Number(line.split(' ')[1]))
  }

  /** Processes that they ran in, in order. */
  runPids(): number[] {
    return this.#runLines().map(line => Number(line.split(' ')[2]))
  }

  runsOf(level: number): number {
    return this.runs().filter(ran => ran === level).length
  }

  /** What lies in staging/ that is no owner file. */
  staged(): string[] {
    const staging = join(this.cache, 'staging')
    return existsSync(staging) ? readdirSync(staging).filter(name => !name.endsWith('.owner')) : []
  }

  #runLines(): string[] {
    if (!existsSync(this.runsFile)) return []
    // What follows the last line is nothing, or a line that is being written.
    return readFileSync(this.runsFile, 'utf8').split('\n').slice(0, -1)
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}
