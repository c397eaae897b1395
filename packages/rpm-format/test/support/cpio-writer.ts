/** Archives for tests, entry by entry. */
export interface NewcFields {
  ino?: number
  mode?: number
  nlink?: number
  mtime?: number
  /** Defaults to the length of the data. */
  filesize?: number
  /** Defaults to the length of the name and its NUL. */
  namesize?: number
  magic?: string
}

export function newc(name: string, data: Uint8Array | string = '', fields: NewcFields = {}): Buffer {
  const content = Buffer.from(data as string, 'latin1')
  const nameBytes = Buffer.from(`${name}\0`, 'latin1')
  const values = [
    fields.ino ?? 1,
    fields.mode ?? 0o100644,
    0,
    0,
    fields.nlink ?? 1,
    fields.mtime ?? 0,
    fields.filesize ?? content.length,
    0,
    0,
    0,
    0,
    fields.namesize ?? nameBytes.length,
    0,
  ]
  const head = Buffer.from((fields.magic ?? '070701') + values.map(hex).join(''), 'latin1')
  return padded(Buffer.concat([padded(Buffer.concat([head, nameBytes])), content]))
}

export function stripped(index: number, data: Uint8Array | string = ''): Buffer {
  const content = Buffer.from(data as string, 'latin1')
  return padded(Buffer.concat([Buffer.from(`07070X${hex(index)}\0\0`, 'latin1'), content]))
}

export function trailer(): Buffer {
  return newc('TRAILER!!!', '', { mode: 0, ino: 0 })
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
}
