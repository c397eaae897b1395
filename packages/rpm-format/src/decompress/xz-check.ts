import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Crc64 } from './crc64.ts'

export type CheckType = 'none' | 'crc32' | 'crc64' | 'sha256'

/** Bytes of a check in the container. */
export const checkSizes: Record<CheckType, number> = { none: 0, crc32: 4, crc64: 8, sha256: 32 }

export interface RunningCheck {
  update(bytes: Uint8Array): unknown
  /** As the container stores it. */
  digest(): Uint8Array
}

export function runningCheck(type: CheckType): RunningCheck {
  switch (type) {
    case 'none':
      return { update: () => {}, digest: () => Buffer.alloc(0) }
    case 'crc32': {
      let value = 0
      const update = (bytes: Uint8Array) => {
        value = crc32(bytes, value)
      }
      const digest = () => {
        const bytes = Buffer.alloc(4)
        bytes.writeUInt32LE(value)
        return bytes
      }
      return { update, digest }
    }
    case 'crc64': {
      const crc = new Crc64()
      return { update: bytes => crc.update(bytes), digest: () => crc.digest() }
    }
    case 'sha256': {
      const hash = createHash('sha256')
      return { update: bytes => hash.update(bytes), digest: () => hash.digest() }
    }
  }
}
