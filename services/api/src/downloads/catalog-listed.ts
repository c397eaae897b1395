import type { Catalog } from '../ports.ts'

/** Whether the first look at the folders is over: before that, an unknown name means nothing. */
export function isListed(catalog: Pick<Catalog, 'ready'>): Promise<boolean> {
  const listed = catalog.ready.then(() => true)
  const notYet = new Promise<boolean>(resolve => setImmediate(resolve, false))
  return Promise.race([listed, notYet])
}
