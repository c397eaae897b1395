import { BoundedMap } from '../bounded-map.ts'
import type { ApiConfig } from '../config.ts'
import { madeOnce } from '../made-once.ts'
import type { Catalog } from '../ports.ts'
import { type Choice, choose } from './choose.ts'
import { type Override, Overrides } from './overrides.ts'
import { type InstallerRequest, word } from './request.ts'
import { ScriptSources } from './script-source.ts'
import { type ServedBlock, servedOverride, servedScript } from './served-script.ts'
import { isInStock } from './stock.ts'

export interface ServedInstaller extends Choice {
  script: Buffer<ArrayBuffer>
  /** File name of the admin's own script, where there is one. */
  override: string | undefined
}

type Settings = Pick<
  ApiConfig,
  'clientPkgsDir' | 'clientPackages' | 'enableServices' | 'servicesExpected' | 'defaultArch' | 'convertWaitMs'
> & { wantsReports: boolean }

/** Of at most 150 kB each. More than a cluster has kinds of nodes; whoever asks for odd ones drives out the oldest. */
const SCRIPTS_KEPT = 200

/** Chooses an installer for a request and has the script that is sent, made once for all who ask the same. */
export class ServedInstallers {
  readonly #catalog: Catalog
  readonly #settings: Settings
  readonly #sources = new ScriptSources()
  readonly #overrides: Overrides
  readonly #scripts = new BoundedMap<string, Promise<Buffer<ArrayBuffer>>>(SCRIPTS_KEPT)

  constructor(catalog: Catalog, settings: Settings) {
    this.#catalog = catalog
    this.#settings = settings
    this.#overrides = new Overrides(settings.clientPkgsDir)
  }

  /** @param baseUrl where the node is to come back to */
  async serve(request: InstallerRequest, baseUrl: string): Promise<ServedInstaller> {
    const { clientPackages, enableServices, defaultArch, convertWaitMs, wantsReports } = this.#settings
    const packages = request.packages ?? clientPackages
    const arch = request.arch.state === 'known' ? request.arch.value : ''
    const choice = choose(request, type => isInStock(this.#catalog, type, { packages, arch, defaultArch }))
    const override = await this.#overrides.find(choice.installer, request)
    const why = override
      ? `${choice.why}; installers/${override.file} is used instead of the one that comes along`
      : choice.why
    const block = {
      ...choice,
      why,
      baseUrl,
      arch: word(request.arch),
      os: word(request.os),
      pkg: word(request.pkg),
      packages,
      packagesChosen: request.packages !== undefined,
      services: enableServices,
      servicesExpected: this.#settings.servicesExpected,
      report: wantsReports,
      waitSeconds: Math.ceil(convertWaitMs / 1000),
    }
    return { ...choice, why, script: await this.#script(block, override), override: override?.file }
  }

  #script(block: ServedBlock, override: Override | undefined): Promise<Buffer<ArrayBuffer>> {
    const question = JSON.stringify([block, override?.state])
    return madeOnce(this.#scripts, question, () => this.#make(block, override))
  }

  async #make(block: ServedBlock, override: Override | undefined): Promise<Buffer<ArrayBuffer>> {
    if (override) return Buffer.from(servedOverride(block, override.text))
    return Buffer.from(servedScript(block, await this.#sources.body(block.installer)))
  }
}
