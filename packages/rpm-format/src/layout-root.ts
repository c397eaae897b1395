import { type ByteString, quoted } from './byte-string.ts'
import { encodeCapabilities } from './capabilities.ts'
import { type Warning, warn } from './errors.ts'
import type { FileInfo } from './files.ts'
import { type Layout, type OwnMember, tarTypeOf } from './layout.ts'
import type { TarEntry } from './tar.ts'

/** What rpm itself would lay down below `/`: every bit, device, capability and IMA signature included. */
export class RootLayout implements Layout {
  readonly warnings: Warning[] = []

  opening(): TarEntry[] {
    return []
  }

  place(file: FileInfo): ByteString | undefined {
    if (file.type === 'socket') {
      this.#warn(file, 'socket-left-out', 'TAR has no sockets')
      return undefined
    }
    if (file.path === '/') return file.type === 'directory' ? './' : undefined
    return `.${file.path}${file.type === 'directory' ? '/' : ''}`
  }

  member(file: FileInfo, metadata: FileInfo, name: ByteString, size: number): TarEntry {
    const { mode, mtime, owner, group } = metadata
    const attributes = file.type === 'file' ? this.#attributes(metadata) : undefined
    return {
      name,
      type: tarTypeOf(file)!,
      mode,
      mtime,
      owner,
      group,
      size,
      link: file.type === 'symlink' ? file.linkTarget : undefined,
      device: file.device,
      xattrs: attributes,
    }
  }

  watch(): undefined {
    return undefined
  }

  closing(): OwnMember[] {
    return []
  }

  #attributes(file: FileInfo): Record<string, ByteString> | undefined {
    const attributes: Record<string, ByteString> = {}
    if (file.capabilities) {
      const value = encodeCapabilities(file.capabilities)
      if (value === undefined) this.#warn(file, 'unknown-capabilities', `no capabilities: ${quoted(file.capabilities)}`)
      else attributes['security.capability'] = value
    }
    if (file.imaSignature) attributes['security.ima'] = Buffer.from(file.imaSignature, 'hex').toString('latin1')
    return attributes
  }

  #warn({ path }: FileInfo, code: string, message: string): void {
    warn(this.warnings, { code, message: `${quoted(path)}: ${message}`, path })
  }
}
