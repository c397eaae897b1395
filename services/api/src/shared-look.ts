/** Whoever asks for what is being looked at already shares that look: a thousand nodes that ask at once cost one. */
export function sharedLook<T>(look: (of: string) => Promise<T>): (of: string) => Promise<T> {
  const running = new Map<string, Promise<T>>()
  return of => {
    const found = running.get(of) ?? look(of).finally(() => running.delete(of))
    running.set(of, found)
    return found
  }
}
