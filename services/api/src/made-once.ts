/** A Map, or one that forgets. */
interface Kept<Made> {
  get(key: string): Promise<Made> | undefined
  set(key: string, made: Promise<Made>): unknown
  delete(key: string): unknown
}

/** What is kept under the key, or is made now for all who ask. Of a failure nothing is kept: the next one tries again. */
export function madeOnce<Made>(kept: Kept<Made>, key: string, make: () => Promise<Made>): Promise<Made> {
  const known = kept.get(key)
  if (known !== undefined) return known
  const made = make()
  kept.set(key, made)
  made.catch(() => kept.delete(key)) // whoever asked sees the failure
  return made
}
