import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { compress, rpmToTar } from 'rpm-format'

/** SHA-256 of the TAR that any converter has to make of an RPM: here it is made in the process of the test. */
export async function expectedTar(rpm: string): Promise<string> {
  const hash = createHash('sha256')
  const tar = rpmToTar(await readFile(rpm), { layout: 'scyld' })
  for await (const chunk of compress(tar, { format: 'gzip', level: 3 })) hash.update(chunk)
  return hash.digest('hex')
}
