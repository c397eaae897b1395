import { z } from 'zod'
import { TAR_FORMATS } from '../job.ts'

const count = z.number().int().nonnegative()

const schema = z.object({
  key: z.string(),
  recipe: count,
  /** Name of the TAR in tar/<key>/. */
  file: z.string().regex(/^[A-Za-z0-9._-]+$/),
  format: z.enum(TAR_FORMATS),
  level: count,
  size: count,
  /** Of the stored bytes, hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  nevra: z.string(),
  name: z.string(),
  version: z.string(),
  release: z.string(),
  arch: z.string(),
  /** The RPM it was made from: path below CLIENTPKGS_DIR/rpm, bytes, and the state of that file (identityText). */
  source: z.object({ file: z.string(), size: count, identity: z.string() }),
  warnings: z.array(z.object({ code: z.string(), message: z.string(), path: z.string().optional() })),
  /** How the payload was checked, and what a signature covers. */
  checked: z.enum(['none', 'weak', 'strong']),
  signed: z.enum(['none', 'header', 'header+payload']),
  /** host:pid of the converter, and when; not part of the TAR's bytes. */
  createdBy: z.string(),
  createdAt: z.string(),
})

/** meta.json beside a stored TAR. */
export type TarMeta = z.infer<typeof schema>

/** What is known before the last byte is written. */
export type TarFacts = Omit<TarMeta, 'key' | 'recipe' | 'file' | 'size' | 'sha256' | 'createdBy' | 'createdAt'>

/** @throws Error that says what is wrong with it */
export function parseMeta(text: string, key: string): TarMeta {
  const meta = schema.parse(JSON.parse(text))
  if (meta.key !== key) throw new Error(`it is the meta.json of ${meta.key}`)
  return meta
}
