import type { ApiConfig } from '../config.ts'
import type { Catalog } from '../ports.ts'
import { type Choice, choose } from './choose.ts'
import { findOverride } from './overrides.ts'
import { type InstallerRequest, word } from './request.ts'
import { ScriptSources } from './script-source.ts'
import { servedOverride, servedScriptBytes } from './served-script.ts'
import { isInStock } from './stock.ts'

export interface ServedInstaller extends Choice {
  script: string | Buffer<ArrayBuffer>
  /** File name of the admin's own script, where there is one. */
  override: string | undefined
}

interface Asking {
  baseUrl: string
  requestId: string
}

type Settings = Pick<
  ApiConfig,
  'clientPkgsDir' | 'clientPackages' | 'enableServices' | 'defaultArch' | 'convertWaitMs'
> & { wantsReports: boolean }

/** Chooses an installer for a request and makes the script that is sent. */
export class ServedInstallers {
  readonly #catalog: Catalog
  readonly #settings: Settings
  readonly #sources = new ScriptSources()

  constructor(catalog: Catalog, settings: Settings) {
    this.#catalog = catalog
    this.#settings = settings
  }

  async serve(request: InstallerRequest, { baseUrl, requestId }: Asking): Promise<ServedInstaller> {
    const { clientPkgsDir, clientPackages, enableServices, defaultArch, convertWaitMs, wantsReports } = this.#settings
    const packages = request.packages ?? clientPackages
    const arch = request.arch.state === 'known' ? request.arch.value : ''
    const choice = choose(request, type => isInStock(this.#catalog, type, { packages, arch, defaultArch }))
    const override = await findOverride(clientPkgsDir, choice.installer, request)
    const why = override
      ? `${choice.why}; installers/${override.file} is used instead of the one that comes along`
      : choice.why
    const block = {
      ...choice,
      why,
      baseUrl,
      requestId,
      arch: word(request.arch),
      os: word(request.os),
      pkg: word(request.pkg),
      packages,
      packagesChosen: request.packages !== undefined,
      services: enableServices,
      report: wantsReports,
      waitSeconds: Math.ceil(convertWaitMs / 1000),
    }
    const script = override
      ? servedOverride(block, override.text)
      : servedScriptBytes(block, await this.#sources.tail(choice.installer))
    return { ...choice, why, script, override: override?.file }
  }
}
